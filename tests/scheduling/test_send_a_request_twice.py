"""The same request gives the same answer, however often and however fast it is sent."""

from functools import partial

import pytest

from accounts.models import Tenant
from audit.models import Event, OutboxMessage
from scheduling import bookings
from scheduling.models import Appointment, IdempotencyKey
from tests.factories.scheduling import make_booking, make_hold, make_service, morning
from tests.racing import race


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_twenty_times_at_once_is_one_appointment(tenant: Tenant) -> None:
    service = make_service(tenant, providers=3)

    run = race([partial(make_booking, service, start=morning(), request_id="one", body_hash="b")] * 20)

    assert run.kinds() == {"Booked": 20}
    assert sum(result.is_new for result in run.results) == 1
    assert len({result.token for result in run.results}) == 1
    assert Appointment.objects.count() == IdempotencyKey.objects.count() == OutboxMessage.objects.count() == 1
    assert Event.objects.filter(action="scheduling.appointment.booked").count() == 1


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_twenty_times_at_once_from_a_hold_is_one_appointment(tenant: Tenant) -> None:
    service = make_service(tenant)
    held = make_hold(service, start=morning())

    run = race([partial(make_booking, service, start=morning(), request_id="one", hold=held.hold_token)] * 20)

    assert run.kinds() == {"Booked": 20}
    assert {result.appointment.pk for result in run.results} == {held.pk}


@pytest.mark.django_db
def test_later_it_is_still_answered_even_when_the_time_is_long_past(tenant: Tenant) -> None:
    service = make_service(tenant)
    booked = make_booking(service, start=morning(), request_id="one")

    again = make_booking(service, start=morning(), request_id="one", at=morning(30))

    assert (again.appointment, again.token, again.is_new) == (booked.appointment, booked.token, False)


@pytest.mark.django_db
def test_other_content_under_the_same_key_is_refused(tenant: Tenant) -> None:
    service = make_service(tenant)
    make_booking(service, start=morning(), request_id="one", body_hash="a")

    for day in (1, 2):
        with pytest.raises(bookings.DifferentBody):
            make_booking(service, start=morning(day), request_id="one", body_hash="b")
    assert Appointment.objects.count() == 1


@pytest.mark.django_db
def test_a_refused_request_may_be_sent_again(tenant: Tenant) -> None:
    service = make_service(tenant)
    first = make_booking(service, start=morning()).appointment
    with pytest.raises(bookings.SlotTaken):
        make_booking(service, start=morning(), request_id="one")
    bookings.cancel(first, reason="", by=None, at=morning(-1))

    assert make_booking(service, start=morning(), request_id="one").is_new


@pytest.mark.django_db
def test_the_key_belongs_to_the_tenant_and_may_be_any_text(tenant: Tenant) -> None:
    service = make_service(tenant)
    for number, key in enumerate(["ñ" * 5000, "\ud800", "a\0b"], start=1):
        assert make_booking(service, start=morning(number), request_id=key).is_new
        assert not make_booking(service, start=morning(number), request_id=key).is_new
