# One image for `neo api`, `neo worker` and the operator's commands; what it is told, it is told by NEO_* variables.
# The engines and weights of `neo serve` are an extra and a group that are not asked for here.
FROM python:3.11.15-slim-trixie@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /neo
# The packages change seldom, so they are a layer of their own.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE ./
COPY src src
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.11.15-slim-trixie@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff
RUN useradd --system --uid 10001 --no-create-home neo && install -d -o neo -g neo /blobs
COPY --from=build /neo/.venv /neo/.venv
ENV PATH=/neo/.venv/bin:$PATH PYTHONUNBUFFERED=1
USER neo
WORKDIR /neo
EXPOSE 8600
ENTRYPOINT ["neo"]
CMD ["api", "--host", "0.0.0.0"]
