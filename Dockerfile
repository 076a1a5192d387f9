# The bridge as it runs in production: no root, no compiler, the pinned libraries.
FROM python:3.13-slim

RUN useradd --create-home --uid 10001 bridge
WORKDIR /app
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY bridge ./bridge
COPY adapters ./adapters
# pip takes no hashes in constraints for a folder; the versions are what was tested.
RUN sed -e '/^ *--hash/d' -e 's/ *\\$//' constraints.txt > pinned.txt \
    && pip install --no-cache-dir --constraint pinned.txt . \
    && rm -r /app/*

USER bridge
WORKDIR /data
ENV PYTHONUNBUFFERED=1
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
# Turns that run have [bridge] drain seconds to end.
STOPSIGNAL SIGTERM
ENTRYPOINT ["threadbridge"]
CMD ["run", "--config", "/data/config.toml"]
