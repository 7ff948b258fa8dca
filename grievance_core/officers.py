"""Officer posts: which office answers for a category in a district at a level.

A post is an office, never a person: the Circle Officer of Lucknow is one post with one list, whichever categories bring
complaints to it and whoever sits there. Designations come from categories.csv.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NewType

from grievance_core.catalogue import LEVELS, Catalogue, Category, District

PostId = NewType("PostId", str)

LEADERSHIP: Final = PostId("leadership")
"""The post above L4."""


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
    return _post(category.department, district, category.officers[level - 1])


def post_by_id(catalogue: Catalogue, id: PostId) -> Post:
    """The post with this id; one that the catalogue no longer has, but a complaint may, is named by its id."""
    if id == LEADERSHIP:
        return Post(id=id, designation="Leadership", department="", district="", title="The leadership")
    department, code, slug = (*id.split("/"), "", "")[:3]
    district = catalogue.districts.get(code)
    if district is None:
        return Post(id=id, designation=id, department=department, district=code, title=id)
    named = (name for one in catalogue.categories.values() if one.department == department for name in one.officers)
    return _post(department, district, next((name for name in named if _slug(name) == slug), slug.replace("-", " ")))


def posts_of(catalogue: Catalogue, department: str, district: District) -> tuple[Post, ...]:
    """Every post of a department in a district, each once, those of the lower levels first."""
    found: dict[PostId, Post] = {}
    for level in LEVELS:
        for category in catalogue.categories_of(department):
            post = post_for(category, district, level)
            found.setdefault(post.id, post)
    return tuple(found.values())


def _post(department: str, district: District, designation: str) -> Post:
    return Post(
        id=PostId(f"{department}/{district.code}/{_slug(designation)}"),
        designation=designation,
        department=department,
        district=district.code,
        title=f"{designation}, {district.name_en}",
    )


def _slug(designation: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", designation.lower()).strip("-")
