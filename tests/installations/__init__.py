"""Every way to install the shop is complete and closed."""
