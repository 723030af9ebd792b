# The gateway as an image: Node, the bundle, and nothing else. docs/image.md says why, and how to run it.
#   docker build -t tributary .
ARG NODE_IMAGE=node:24-bookworm-slim

# ── The bundle ── JavaScript is the same on every platform, so it is built on the builder's own.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS bundle
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Of the devDependencies it takes esbuild alone: a Postgres, a second Node, linters and tests stay out. Versions and hashes
# are the lock file's. No install scripts: esbuild's binary comes as a package.
RUN --mount=type=cache,target=/root/.npm \
    esbuild="$(npm pkg get devDependencies.esbuild)" \
    && npm pkg delete devDependencies \
    && npm pkg set --json "devDependencies.esbuild=$esbuild" \
    && npm ci --ignore-scripts
COPY LICENSE tsconfig.json build.ts ./
COPY src src
COPY otel otel
# Node needs package.json for its "type": "module". `install`, because LICENSE may come with any mode.
RUN npm run build \
    && rm -rf dist/compiled \
    && mkdir /app && mv dist /app/dist \
    && npm pkg get name version license type > /app/package.json \
    && install -m 644 LICENSE /app/LICENSE \
    && find node_modules -type f -iname 'licen[cs]e*' ! -name '*.js' -exec tail -v -n +1 {} + > /app/THIRD-PARTY-LICENSES

# ── The root ── Node, the libraries it is linked with, their licences, and the files that name hosts and users.
FROM ${NODE_IMAGE} AS root
# dpkg's records tell scanners which libraries these are.
RUN mkdir -p /image/etc /image/var/lib/dpkg && mkdir -m 1777 /image/tmp \
    && { ldd /usr/local/bin/node | grep -o '/[^ ]*'; find /usr/local -maxdepth 1 -name LICENSE; } \
       | xargs cp --parents --dereference -t /image /usr/local/bin/node /etc/os-release /etc/nsswitch.conf \
         /usr/share/doc/libc6/copyright /usr/share/doc/libgcc-s1/copyright /usr/share/doc/libstdc++6/copyright \
    && dpkg-query --status libc6 libgcc-s1 libstdc++6 > /image/var/lib/dpkg/status \
    && printf 'root:x:0:0::/:/none\nnode:x:1000:1000::/:/none\n' > /image/etc/passwd \
    && printf 'root:x:0:\nnode:x:1000:\n' > /image/etc/group

# ── The application ── loaded once in that root, tracing too: nothing it needs is missing, and Node keeps what it compiled,
# for a faster start.
FROM root AS app
COPY --from=bundle /app/ /image/app/
RUN mkdir -m 777 /image/app/compiled \
    && env -i PATH="$PATH" NODE_COMPILE_CACHE=/app/compiled AUTH=none OTEL_TRACES_EXPORTER=otlp \
       DATABASE_URL=postgres://nowhere RECOMMENDATIONS_URL=http://nowhere \
       chroot --userspec=1000:1000 /image node --import /app/dist/otel/start.js /app/dist/main.js --print-config \
    && chown -R 0:0 /image/app/compiled && chmod -R a=rX /image/app/compiled

# ── The image ──
FROM scratch
COPY --from=root /image/ /
# Owned by root: the process reads itself, and cannot change itself.
COPY --from=app /image/app/ /app/
ENV PATH=/usr/local/bin NODE_ENV=production NODE_COMPILE_CACHE=/app/compiled
WORKDIR /app
# By number: Kubernetes' runAsNonRoot does not look names up.
USER 1000:1000
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
CMD ["node", "--import", "./dist/otel/start.js", "dist/main.js"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tributary" \
      org.opencontainers.image.description="A code-first API aggregation gateway: one question, many sources, one deadline, an honest answer." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
