"""Delivery of restored photos: archives, download links and e-mails."""
