"""An appointment as a calendar object (RFC 5545) and as an invitation by mail (iTIP, RFC 5546; iMIP, RFC 6047)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from icalendar import Calendar, Event, vCalAddress

Method = Literal["PUBLISH", "REQUEST", "CANCEL"]
PRODUCT = "-//Verso//Bookings//EN"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody named in an invitation."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a calendar needs to know about one appointment. Instants are UTC; `sequence` rises with every change."""

    uid: str
    sequence: int
    start: datetime
    end: datetime
    summary: str
    stamped_at: datetime
    organiser: Party
    attendee: Party | None = None
    location: str = ""
    description: str = ""
    is_cancelled: bool = False


def written(meeting: Meeting, *, method: Method) -> bytes:
    """The calendar object as bytes; a reader recognises the appointment by its UID and the newest by its SEQUENCE."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(_event(meeting))
    return calendar.to_ical()


def _event(meeting: Meeting) -> Event:
    event = Event()
    event.add("uid", meeting.uid)
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", meeting.stamped_at.astimezone(UTC))
    event.add("dtstart", meeting.start.astimezone(UTC))
    event.add("dtend", meeting.end.astimezone(UTC))
    event.add("summary", meeting.summary)
    event.add("status", "CANCELLED" if meeting.is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if meeting.is_cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    for name, value in (("location", meeting.location), ("description", meeting.description)):
        if value:
            event.add(name, value)
    event["organizer"] = _address(meeting.organiser)
    if meeting.attendee:
        event["attendee"] = _address(
            meeting.attendee, CUTYPE="INDIVIDUAL", ROLE="REQ-PARTICIPANT", PARTSTAT="ACCEPTED", RSVP="FALSE"
        )
    return event


def _address(party: Party, **parameters: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{party.email}")
    address.params["CN"] = party.name
    for name, value in parameters.items():
        address.params[name] = value
    return address
