"""One measured value, what it is measured against, and the limit that it must keep."""
from dataclasses import dataclass
from typing import Optional


@dataclass
class Figure:
    """One line of the table. `limit` bounds value/reference when there is a reference, else the value."""
    what: str
    value: float
    unit: str
    limit: Optional[float] = None
    at_least: bool = False
    reference: Optional[float] = None
    against: str = ""

    @property
    def measured(self):
        return self.value / self.reference if self.reference else self.value

    @property
    def good(self):
        if self.limit is None:
            return True
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit
