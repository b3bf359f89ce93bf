# One image for `neo api`, `neo worker` and the operator's commands; what it is told, it is told by NEO_* variables.
FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /neo
# The packages change seldom, so they are a layer of their own.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE ./
COPY src src
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home neo && install -d -o neo -g neo /blobs
COPY --from=build /neo/.venv /neo/.venv
ENV PATH=/neo/.venv/bin:$PATH PYTHONUNBUFFERED=1
USER neo
WORKDIR /neo
EXPOSE 8600
ENTRYPOINT ["neo"]
CMD ["api", "--host", "0.0.0.0"]
