from typing import Generic, TypeVar

Leaf = TypeVar("Leaf")

class Tree(Generic[Leaf]):
    data: str
    children: list[Leaf | Tree[Leaf]]
