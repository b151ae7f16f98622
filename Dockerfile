# The server, the worker and the scheduler are one image with different commands; docker-compose.yml has them.
FROM python:3.13-slim-bookworm

RUN useradd --uid 10001 --create-home callboard && mkdir /data /run/callboard && chown callboard /data /run/callboard
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY manage.py .
COPY config config
COPY registry registry
COPY catalog catalog
COPY accounts accounts
COPY audit audit
COPY templates templates

USER callboard
ENV CALLBOARD_DATA=/data CALLBOARD_HOST=0.0.0.0 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8081
CMD ["python", "-m", "config.serve"]
