"""The refusal of an address that no customer has."""

from domain.order.errors import ShopError


class UnknownCustomerError(ShopError):
    """No customer has this address."""

    def __init__(self, email: str) -> None:
        self.email = email
        super().__init__(f"No customer has the address {email}: ask for the one they paid with.")
