"""The laws of prayer times: every rule with its name, and what it demands.

What an answer says of itself (`prayer.method` and the like) the source compares with what was asked; `prayer_rules` has
the laws of the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RULES: Final[Mapping[str, str]] = {
    "prayer.dates": "every day that was asked for, once, in order",
    "prayer.method": "the method that was asked for",
    "prayer.school": "the madhab that was asked for",
    "prayer.timezone": "the time zone that was asked for",
    "prayer.coordinates": "the coordinates that were asked for, to 0.0001 degree",
    "prayer.time-format": "HH:MM, perhaps with the zone in brackets",
    "prayer.utc-offset": "the zone's offset at 09:01:01 of each day, days of clock changes included",
    "prayer.order": "Imsak, at most 20 minutes later Fajr, Sunrise, Dhuhr, Asr, Sunset, Maghrib, Isha, next Fajr; from"
    " 65° latitude on as far as there is day and night",
    "prayer.night": "Midnight in the middle of Sunset and Sunrise, Firstthird and Lastthird at its thirds, below 65°"
    " latitude",
    "prayer.dst": "no step of half an hour or an hour from one day to the next that the zone does not make",
    "prayer.sun": "Dhuhr when the sun is highest over the coordinates; Sunrise and Sunset, too, below 65° latitude",
    "prayer.hanafi-asr": "Asr of the madhab that was asked for, Hanafi's later than Shafi's, where the sun tells them"
    " apart",
    "prayer.jump": "no time moves by more than 15 minutes from one day to the next below 65° latitude, but for Isha of"
    " method 4, which is later in Ramadan",
    "prayer.agreement": "within `prayer.agreement` minutes of what the method's angles and the sun give, where that can"
    " be told",
    "prayer.city": "a known city (of stored days only)",
    "prayer.origin": "a unit that stored them (of stored days only)",
}
