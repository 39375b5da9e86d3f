"""Events between services: written with the state they announce, sent by a relay, folded once by consumers.

await claim(tx, [("store.part", "P1")])                       # where a subject changes
await announce(tx, [Announcement("store.part", "store.part-moved.v1", "P1", "P1", state, change)])
await Relay(database_url, kafka, topics).run()                # one process a service leads
await Consumer("sales", database, kafka, {"store.part": fold}).run()
"""

from servicekit.bus.consumer import Consumer, ConsumerSettings
from servicekit.bus.deadletter import DeadLetter, DeadLetters, Retried
from servicekit.bus.envelope import DecodeError, Event, Heartbeat
from servicekit.bus.errors import Unavailable
from servicekit.bus.intake import Contracts, Intake, Received
from servicekit.bus.outbox import Announceable, Announcement, announce, announce_with, claim, configure
from servicekit.bus.positions import watermarks
from servicekit.bus.queue import replay
from servicekit.bus.relay import Relay
from servicekit.bus.subscription import Fold, Subscription
from servicekit.bus.topics import PlainTopic, TopicSpec, ensure_topics

__all__ = [
    "Announceable",
    "Announcement",
    "Consumer",
    "ConsumerSettings",
    "Contracts",
    "DeadLetter",
    "DeadLetters",
    "DecodeError",
    "Event",
    "Fold",
    "Heartbeat",
    "Intake",
    "PlainTopic",
    "Received",
    "Relay",
    "Retried",
    "Subscription",
    "TopicSpec",
    "Unavailable",
    "announce",
    "announce_with",
    "claim",
    "configure",
    "ensure_topics",
    "replay",
    "watermarks",
]
