"""What a network costs. Standard library only."""

from resnet_lib.cost.bill import Bill, Row, price

__all__ = ["Bill", "Row", "price"]
