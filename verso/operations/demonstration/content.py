"""Two businesses one could walk into: their services, people, hours and a week of customers. All of it is invented."""

from typing import Any, NamedTuple


class Hours(NamedTuple):
    """Open on these weekdays (Monday is 0) between two wall-clock times."""

    weekdays: tuple[int, ...]
    opens: str
    closes: str


class Provider(NamedTuple):
    """Somebody or something that serves, and when."""

    slug: str
    name: str
    description: str
    hours: tuple[Hours, ...]
    kind: str = "person"


class Offer(NamedTuple):
    """A service and who serves it."""

    fields: dict[str, Any]
    by: tuple[str, ...]


class Business(NamedTuple):
    """One tenant of the demo."""

    slug: str
    name: str
    hosts: tuple[str, ...]
    time_zone: str
    looks: dict[str, str]
    holidays: tuple[str, str]
    providers: tuple[Provider, ...]
    offers: tuple[Offer, ...]
    people: dict[str, str]
    bookings_a_day: int
    messages: tuple[tuple[str, str, str], ...]


WEEKDAYS = (0, 1, 2, 3, 4)

SOLANA = Business(
    slug="demo",
    name="Solana Physiotherapy",
    hosts=("localhost", "127.0.0.1"),
    time_zone="Europe/Madrid",
    looks={
        "tagline": "Move well again. Physiotherapy, massage and pilates in the heart of Lavapiés.",
        "brand_colour": "#1f6f5c",
        "accent_colour": "#b4552d",
        "contact_email": "hello@demo.example",
        "contact_phone": "+34 910 000 142",
        "address": "Calle del Olivar 18\n28012 Madrid",
    },
    holidays=("ES", "MD"),
    providers=(
        Provider(
            "lucia-ferrer",
            "Lucía Ferrer",
            "Physiotherapist. Back and neck, people who sit all day, people who carry children all day.",
            (Hours(WEEKDAYS, "08:30", "13:30"), Hours((0, 1, 2, 3), "15:00", "18:30")),
        ),
        Provider(
            "marco-bianchi",
            "Marco Bianchi",
            "Sports physiotherapist. Runners, climbers, and everybody on the way back from an operation.",
            (Hours((0, 2, 4), "10:00", "14:00"), Hours((0, 2, 4), "15:30", "20:30"), Hours((5,), "09:00", "13:00")),
        ),
        Provider(
            "aisha-rahman",
            "Aisha Rahman",
            "Massage therapist. Slow, strong, and quiet if you like it quiet.",
            (Hours((1, 2, 3, 4), "11:00", "19:30"), Hours((5,), "10:00", "14:00")),
        ),
        Provider(
            "tom-whitfield",
            "Tom Whitfield",
            "Pilates teacher and osteopath. Balance, breath, and knees that bend again.",
            (Hours((1, 3), "07:30", "15:00"), Hours((4,), "12:00", "20:00")),
        ),
        Provider(
            "reformer-studio",
            "Reformer studio",
            "First floor, by the courtyard. One reformer, one mirror, a lot of light.",
            (Hours(WEEKDAYS, "07:30", "20:30"), Hours((5,), "09:00", "14:00")),
            kind="room",
        ),
    ),
    offers=(
        Offer(
            {
                "slug": "first-assessment",
                "name": "First assessment",
                "summary": "An hour to find out what hurts, why, and what to do about it.",
                "description": "We listen, examine and explain. You leave with a plan on one page and two or three "
                "exercises that fit into your day. Bring any reports or images you have, and clothes you can move in.",
                "duration_minutes": 60,
                "buffer_after_minutes": 10,
                "step_minutes": 30,
                "minimum_notice_minutes": 120,
                "window_days": 60,
                "price": "65.00",
                "currency": "EUR",
                "assignment": "least_busy",
            },
            ("lucia-ferrer", "marco-bianchi"),
        ),
        Offer(
            {
                "slug": "physiotherapy",
                "name": "Physiotherapy session",
                "summary": "Hands-on treatment and exercises, following your plan.",
                "description": "Forty-five minutes with your physiotherapist. We look at what changed since last time, "
                "treat what needs treating, and take the next step together.",
                "duration_minutes": 45,
                "buffer_after_minutes": 15,
                "step_minutes": 30,
                "minimum_notice_minutes": 120,
                "window_days": 60,
                "price": "52.00",
                "currency": "EUR",
            },
            ("lucia-ferrer", "marco-bianchi", "tom-whitfield"),
        ),
        Offer(
            {
                "slug": "sports-massage",
                "name": "Sports massage",
                "summary": "Deep work for legs and backs that are used a lot.",
                "description": "For the week before the race and the week after. Tell us in the note where it is tight "
                "and what you are training for.",
                "duration_minutes": 60,
                "buffer_after_minutes": 15,
                "step_minutes": 30,
                "minimum_notice_minutes": 60,
                "window_days": 45,
                "price": "58.00",
                "currency": "EUR",
                "assignment": "round_robin",
            },
            ("aisha-rahman", "marco-bianchi"),
        ),
        Offer(
            {
                "slug": "relaxing-massage",
                "name": "Relaxing massage",
                "summary": "Warm oil, slow hands, ninety minutes without a telephone.",
                "description": "A whole-body massage with almond oil. The room is warm, the music can be off.",
                "duration_minutes": 90,
                "buffer_after_minutes": 15,
                "step_minutes": 30,
                "minimum_notice_minutes": 60,
                "window_days": 45,
                "price": "79.00",
                "currency": "EUR",
            },
            ("aisha-rahman",),
        ),
        Offer(
            {
                "slug": "reformer-pilates",
                "name": "Reformer pilates, one to one",
                "summary": "Strength and control on the reformer, at your own pace.",
                "description": "A private class in the reformer studio. Good after an injury, good before one, and for "
                "people who were told to do pilates and never found the door.",
                "duration_minutes": 55,
                "buffer_after_minutes": 5,
                "step_minutes": 60,
                "minimum_notice_minutes": 240,
                "window_days": 30,
                "rooms_needed": 1,
                "price": "48.00",
                "currency": "EUR",
            },
            ("tom-whitfield", "aisha-rahman", "reformer-studio"),
        ),
        Offer(
            {
                "slug": "online-follow-up",
                "name": "Online follow-up",
                "summary": "Half an hour by video to check your exercises.",
                "description": "You get the video link with your confirmation. Put your mat where the camera sees it.",
                "duration_minutes": 30,
                "step_minutes": 30,
                "minimum_notice_minutes": 30,
                "window_days": 30,
                "cancel_notice_minutes": 120,
                "reschedule_notice_minutes": 120,
                "price": "30.00",
                "currency": "EUR",
            },
            ("lucia-ferrer", "tom-whitfield"),
        ),
    ),
    people={
        "owner": "Elena Solana",
        "manager": "Javier Ortega",
        "receptionist": "Nuria Vidal",
        "editor": "Clara Montes",
        "reviewer": "Pablo Reyes",
        "auditor": "Ingrid Sandvik",
        "visitor": "Víctor Salas",
    },
    bookings_a_day=6,
    messages=(
        (
            "Do you treat teenagers?",
            "Hello, my daughter is fourteen and her knee hurts after volleyball training. Do you treat people of her "
            "age, and should I come along? Afternoons after five would be best for us.",
            "new",
        ),
        (
            "Invoice for my insurance",
            "Good morning. My insurance asks for an invoice with your registration number for the three sessions in "
            "October. Could you send it to this address? Thank you very much.",
            "new",
        ),
        (
            "Parking near the studio",
            "Is there anywhere to leave a car near you? I am on crutches and cannot walk far from the metro.",
            "answered",
        ),
        (
            "Gift voucher",
            "I would like to give my father a relaxing massage for his birthday. Do you sell vouchers?",
            "answered",
        ),
        (
            "Thank you",
            "After six weeks with Lucía I picked up my grandson again. I only wanted to say thank you.",
            "closed",
        ),
    ),
)

HARBOUR = Business(
    slug="second",
    name="Harbour Music School",
    hosts=("second.localhost",),
    time_zone="Europe/Lisbon",
    looks={
        "tagline": "Piano and cello lessons by the river, for beginners of every age.",
        "brand_colour": "#2b4c7e",
        "accent_colour": "#a33b5e",
        "contact_email": "hello@second.example",
        "contact_phone": "+351 210 000 417",
        "address": "Rua do Alecrim 40\n1200-018 Lisboa",
    },
    holidays=("PT", ""),
    providers=(
        Provider(
            "beatriz-moura",
            "Beatriz Moura",
            "Piano. Patient with late starters.",
            (Hours((0, 1, 2, 3), "14:00", "20:00"),),
        ),
        Provider("henrik-dahl", "Henrik Dahl", "Cello and chamber music.", (Hours((2, 3, 4), "10:00", "18:00"),)),
    ),
    offers=(
        Offer(
            {
                "slug": "piano-lesson",
                "name": "Piano lesson",
                "summary": "Forty-five minutes at the grand piano.",
                "duration_minutes": 45,
                "step_minutes": 60,
                "minimum_notice_minutes": 240,
                "price": "35.00",
                "currency": "EUR",
            },
            ("beatriz-moura",),
        ),
        Offer(
            {
                "slug": "cello-lesson",
                "name": "Cello lesson",
                "summary": "An hour with an instrument of ours or your own.",
                "duration_minutes": 60,
                "step_minutes": 60,
                "minimum_notice_minutes": 240,
                "price": "42.00",
                "currency": "EUR",
            },
            ("henrik-dahl",),
        ),
    ),
    people={"owner": "Rita Carvalho", "manager": "Duarte Nunes"},
    bookings_a_day=2,
    messages=(
        (
            "Lessons for two",
            "My sister and I would like to learn together. Is there a lesson for two, and which day would that be?",
            "new",
        ),
    ),
)

BUSINESSES = (SOLANA, HARBOUR)

CUSTOMERS = (
    ("Marta Aguilar", "marta.aguilar@mail.example", "+34 600 100 101"),
    ("Oliver Brandt", "oliver.brandt@mail.example", "+34 600 100 102"),
    ("Chiara Conti", "chiara.conti@mail.example", "+34 600 100 103"),
    ("Diego Domínguez", "diego.dominguez@mail.example", "+34 600 100 104"),
    ("Emma Eklund", "emma.eklund@mail.example", "+34 600 100 105"),
    ("Farid Haddad", "farid.haddad@mail.example", "+34 600 100 106"),
    ("Gloria Giménez", "gloria.gimenez@mail.example", "+34 600 100 107"),
    ("Hana Horáková", "hana.horakova@mail.example", "+34 600 100 108"),
    ("Iker Ibarra", "iker.ibarra@mail.example", "+34 600 100 109"),
    ("Jules Joubert", "jules.joubert@mail.example", "+34 600 100 110"),
    ("Kofi Mensah", "kofi.mensah@mail.example", "+34 600 100 111"),
    ("Laia Llorens", "laia.llorens@mail.example", "+34 600 100 112"),
    ("Mei Tanaka", "mei.tanaka@mail.example", "+34 600 100 113"),
    ("Nadia Novak", "nadia.novak@mail.example", "+34 600 100 114"),
    ("Óscar Olmedo", "oscar.olmedo@mail.example", "+34 600 100 115"),
    ("Paula Prieto", "paula.prieto@mail.example", "+34 600 100 116"),
    ("Quentin Roy", "quentin.roy@mail.example", "+34 600 100 117"),
    ("Rosa Ribeiro", "rosa.ribeiro@mail.example", "+34 600 100 118"),
)

NOTES = (
    "",
    "",
    "",
    "First time here.",
    "Right shoulder, since a fall in September.",
    "I may be five minutes late, I come from work.",
    "Lower back, mostly in the mornings.",
    "Training for a half marathon in spring.",
    "Please ring the lower bell.",
)

ANSWERS = {
    "Parking near the studio": "There is a public car park in Calle Jesús y María, two minutes away, with a lift. If "
    "you tell us when you arrive, somebody comes out to help you with the door.",
    "Gift voucher": "With pleasure. You can buy a voucher at the desk or by telephone, and we send it by mail the "
    "same day. It is valid for a year.",
}
