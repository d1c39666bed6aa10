"""The two sides of the house: a person may have an account on each, with the same address."""

from enum import StrEnum


class AccountSide(StrEnum):
    CLIENT = "client"
    STAFF = "staff"
