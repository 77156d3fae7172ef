# What every target is made from: the program and what it needs at run time, nothing else.
FROM node:24-bookworm-slim AS program
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages are a PostgreSQL and a Node of their own, for machines that have none.
RUN npm ci --omit=dev --omit=optional && npm cache clean --force
COPY bin bin
COPY src src
COPY sip-scenarios sip-scenarios
# Generated secrets go here unless they are configured.
RUN mkdir /data && chown node:node /data

# SIPp with the scenarios, to try a deployment out.
FROM program AS scenarios
RUN apt-get update \
  && apt-get install -y --no-install-recommends sip-tester \
  && rm -rf /var/lib/apt/lists/*
USER node
ENTRYPOINT ["node", "bin/bridgeback.js", "scenarios"]

# The service; last, so that it is what `docker build` makes.
FROM program AS bridge
USER node
ENV DATA_DIR=/data HTTP_HOST=0.0.0.0
VOLUME ["/data"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
