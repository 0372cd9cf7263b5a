# Serves a trained filter: the page at http://127.0.0.1:8000/, the JSON API at /tag.
#
#   docker build -t clfnews .
#   docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD/model:/model:ro" clfnews
#
# `model` is the folder of a filter (it holds filter.json). To have it in the image: COPY model /model
FROM python:3.11-slim

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY clfnews clfnews
COPY configs configs
COPY data data
COPY seeds seeds
RUN pip install --no-cache-dir -c constraints.txt '.[web]' \
    && rm -r /src/* \
    && useradd --system --no-create-home --shell /usr/sbin/nologin clfnews

WORKDIR /tmp
USER clfnews
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"
ENTRYPOINT ["clfnews", "serve"]
CMD ["--host", "0.0.0.0", "--model", "/model"]
