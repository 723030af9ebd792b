// The aggregated endpoint on Node: Fastify 5, a pg pool per store, an undici pool for the upstream.
import Fastify from 'fastify'
import pg from 'pg'
import { Pool } from 'undici'

const DEADLINE_MS = 2000
const env = process.env

class HttpError extends Error {
  constructor(statusCode, message) {
    super(message)
    this.statusCode = statusCode
  }
}

const verbatim = { getTypeParser: () => (text) => text }

function store(connectionString) {
  const pool = new pg.Pool({
    connectionString,
    max: Number(env.POOL_SIZE ?? 20),
    connectionTimeoutMillis: DEADLINE_MS, // waiting for a free connection past the deadline is pointless
    statement_timeout: 2500, // pg cannot cancel a running query; let the server do it
  })
  pool.on('error', (error) => console.error('idle connection:', error.message))
  return pool
}

function upstream(base) {
  const url = new URL(base)
  const prefix = url.pathname.replace(/\/$/, '')
  const pool = new Pool(url.origin, { connections: 256, pipelining: 1, keepAliveTimeout: 60_000 })
  return async (id, signal) => {
    const { statusCode, body } = await pool.request({
      method: 'GET',
      path: `${prefix}/recommendations?user=${id}`,
      signal,
    })
    if (statusCode !== 200) {
      await body.dump()
      throw new Error(`recommendations answered ${statusCode}`)
    }
    const list = await body.json()
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) {
      throw new Error('recommendations are not an array of strings')
    }
    return list
  }
}

function build() {
  const users = store(env.DATABASE_URL)
  const analytics = store(env.ANALYTICS_URL ?? env.DATABASE_URL)
  const recommendations = upstream(env.RECS_URL)

  // The user's data stays the text Postgres sent: parsing it only to stringify it again is waste.
  const userData = async (id) => {
    const { rows } = await users.query({
      name: 'user',
      text: 'SELECT data FROM users WHERE id=$1',
      values: [id],
      rowMode: 'array',
      types: verbatim,
    })
    if (rows.length === 0) throw new HttpError(404, 'user not found')
    return rows[0][0]
  }

  const counters = async (id) => {
    const { rows } = await analytics.query({
      name: 'analytics',
      text: 'SELECT event_type, count FROM analytics WHERE user_id=$1',
      values: [id],
      rowMode: 'array',
    })
    return Object.fromEntries(rows)
  }

  const aggregate = async (id) => {
    const abort = new AbortController()
    let timer
    const expired = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new HttpError(408, 'deadline exceeded')), DEADLINE_MS)
    })
    try {
      return await Promise.race([
        Promise.all([userData(id), recommendations(id, abort.signal), counters(id)]),
        expired,
      ])
    } catch (error) {
      abort.abort()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  const app = Fastify({ logger: false, exposeHeadRoutes: false })

  app.setErrorHandler((error, _request, reply) => {
    const status = error.validation ? 400 : (error.statusCode ?? 500)
    if (status >= 500) console.error(error.message)
    const message = error.validation
      ? 'user_id must be a positive integer'
      : status >= 500 ? 'internal error' : error.message
    reply.code(status).send({ error: message })
  })

  app.get('/health', () => ({ status: 'ok' }))

  app.get('/api/aggregated', {
    schema: {
      querystring: {
        type: 'object',
        required: ['user_id'],
        properties: { user_id: { type: 'string', pattern: '^[0-9]{1,10}$' } },
      },
    },
  }, async (request, reply) => {
    const id = Number(request.query.user_id)
    if (id < 1 || id > 2147483647) throw new HttpError(400, 'user_id must be a positive integer')
    const [data, recs, events] = await aggregate(id)
    reply.header('content-type', 'application/json; charset=utf-8')
    return `{"user_data":${data},"recommendations":${JSON.stringify(recs)},"analytics":${JSON.stringify(events)}}`
  })

  app.addHook('onClose', () => Promise.all([users.end(), analytics.end()]))
  return app
}

const app = build()
await app.listen({ port: Number(env.PORT ?? 8080), host: '127.0.0.1' })
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => app.close().then(() => process.exit(0)))
}
