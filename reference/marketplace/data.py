"""Seeded data, the same in every replica of every release."""

from __future__ import annotations

import random

from pydantic import BaseModel

SEED = 20
NAMES = ("ada", "blaise", "carl", "dorothy", "emmy", "frances", "grace", "hedy", "ida", "joan")
CITIES = ("Hamburg", "Lyon", "Porto", "Turin", "Ghent", "Graz")
CATEGORIES = ("roofing", "solar", "plumbing", "windows", "painting")


class User(BaseModel):
    id: int
    username: str
    name: str
    city: str


class Lead(BaseModel):
    id: int
    title: str
    category: str
    city: str
    user_id: int


class Buyer(BaseModel):
    id: int
    name: str
    category: str
    cities: tuple[str, ...]


def _users() -> dict[int, User]:
    dice = random.Random(SEED)
    names = [name if not turn else f"{name}{turn + 1}" for turn in range(5) for name in NAMES]
    return {
        number: User(id=number, username=name, name=name.capitalize(), city=dice.choice(CITIES))
        for number, name in enumerate(names, 1)
    }


def _leads() -> dict[int, Lead]:
    dice = random.Random(SEED + 1)
    leads = {}
    for number in range(1, 201):
        category, city = dice.choice(CATEGORIES), dice.choice(CITIES)
        title = f"{category.capitalize()} in {city}"
        leads[number] = Lead(id=number, title=title, category=category, city=city, user_id=dice.randint(1, len(USERS)))
    return leads


def _buyers() -> dict[int, Buyer]:
    dice = random.Random(SEED + 2)
    return {
        number: Buyer(
            id=number,
            name=f"Buyer {number}",
            category=dice.choice(CATEGORIES),
            cities=tuple(sorted(dice.sample(CITIES, 3))),
        )
        for number in range(1, 41)
    }


USERS = _users()
LEADS = _leads()
BUYERS = _buyers()
