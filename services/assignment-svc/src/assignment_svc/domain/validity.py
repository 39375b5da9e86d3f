"""Until when a training record counts."""

from datetime import datetime, timedelta
from functools import lru_cache

from plantkit.time import add_months, end_of_day, local_date, start_of_day


@lru_cache(maxsize=131072)
def validity(base: datetime, zone: str, months: int, lead_days: int) -> tuple[datetime, datetime]:
    """End of the interval that begins at ``base``, and the instant at which its last stretch begins.

    The end is the start of the local day after (local date of base + months) (C-09); the lead begins at
    the start of (last valid day - lead days) (C-03 row 4). Both in UTC.
    """
    last_day = add_months(local_date(base, zone), months)
    return end_of_day(last_day, zone), start_of_day(last_day - timedelta(days=lead_days), zone)
