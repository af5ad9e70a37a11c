# The application: public, console and worker are this image with another argument. See docs/operations.md.
# Not built by our CI, which has no container engine.
FROM python:3.11.14-slim-bookworm AS build
RUN python -m venv /opt/gyeot
COPY locks/app.txt /build/app.txt
RUN /opt/gyeot/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /build/app.txt

FROM python:3.11.14-slim-bookworm
COPY --from=build /opt/gyeot /opt/gyeot
WORKDIR /srv/gyeot
COPY bot ./bot
COPY channels ./channels
COPY console ./console
COPY handoff ./handoff
COPY nlu ./nlu
COPY vault ./vault
# `var` exists so that nothing needs to be made at run time: the file system is read-only.
RUN printf '%s\n' '#!/opt/gyeot/bin/python' 'from bot.cli import main' 'main()' > /usr/local/bin/gyeot && \
    chmod 0755 /usr/local/bin/gyeot && \
    mkdir var && \
    /opt/gyeot/bin/python -m compileall -qq bot channels console handoff vault nlu/*.py && \
    useradd --system --no-create-home --uid 10001 gyeot
ENV PYTHONPATH=/srv/gyeot PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER gyeot
ENTRYPOINT ["gyeot"]
CMD ["serve", "public"]
