"""Officer posts: which office answers for a category in a district at a level.

A post is an office, never a person: the Circle Officer of Lucknow is one post with one list, whichever categories bring
complaints to it and whoever sits there. Designations come from categories.csv.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from grievance_core.catalogue import LEVELS, Category, District

PostId = NewType("PostId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """An office that answers for complaints."""

    id: PostId  # department/district/designation: HOM/162/circle-officer
    designation: str
    department: str
    district: str  # LGD code
    title: str  # as people say it: Circle Officer, Lucknow


def post_for(category: Category, district: District, level: int) -> Post:
    """The post that answers for this category in this district at this level (1 to 4).

    The department is part of the id because designations such as Executive Officer occur in several; the level is not,
    because one post is first level for one matter and second for another.
    """
    if level not in LEVELS:
        raise ValueError(f"levels go from 1 to 4, this is {level}")
    designation = category.officers[level - 1]
    slug = re.sub(r"[^a-z0-9]+", "-", designation.lower()).strip("-")
    return Post(
        id=PostId(f"{category.department}/{district.code}/{slug}"),
        designation=designation,
        department=category.department,
        district=district.code,
        title=f"{designation}, {district.name_en}",
    )
