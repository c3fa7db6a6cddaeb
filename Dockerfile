# reportgen for CPUs: docker build -t reportgen . && docker run --rm -v "$PWD:/data" reportgen atlas model.keras
FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN python -m pip install --no-cache-dir --no-compile --disable-pip-version-check --constraint constraints.txt build hatchling
RUN python -m build --wheel --no-isolation --outdir /wheels

FROM python:3.12-slim
COPY constraints.txt /wheels/constraints.txt
COPY --from=build /wheels /wheels
RUN python -m pip install --no-cache-dir --no-compile --disable-pip-version-check --constraint /wheels/constraints.txt \
    "$(ls /wheels/*.whl)[tensorflow,onnx,export]"
# Files in /data belong to whoever started the container where it is run with --user "$(id -u):$(id -g)".
RUN useradd --create-home --uid 1000 reportgen
ENV HOME=/home/reportgen
USER reportgen
WORKDIR /data
ENTRYPOINT ["reportgen"]
CMD ["--help"]
