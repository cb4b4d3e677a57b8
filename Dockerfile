# The environment of tonegap, and its code. docs/containers.md says how to run it on a clone.
FROM python:3.11-slim-bookworm

# DVC keeps experiments in git. Debian keeps no old versions, so none is pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 tonegap && install --directory --owner tonegap /tonegap
USER 1000
WORKDIR /tonegap
ENV PATH=/tonegap/.venv/bin:$PATH

# cpu: PyTorch without CUDA. locked: exactly requirements.lock, for GPUs too.
ARG TORCH=cpu
ENV TORCH=$TORCH

# Packages change rarely and code often: an edit of the code leaves this layer as it is.
COPY --chown=tonegap Makefile pyproject.toml requirements.lock ./
RUN make packages && rm -rf ~/.cache

COPY --chown=tonegap . .
# Without git's history, for a container that runs on no clone.
RUN make env && dvc config --local core.no_scm true

CMD ["make", "repro"]
