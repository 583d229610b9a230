# A machine with systemd, where the shop is installed as docs/installation.md says.
FROM restoreclick-tests/shop
USER root
RUN apt-get update && apt-get install --yes --no-install-recommends dbus systemd systemd-sysv \
    && ln --symbolic /shop /opt/restoreclick
