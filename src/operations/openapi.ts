/** The OpenAPI document of `/admin/v1`, made of the table of its operations. */
import { groupChanges } from '../embed/groups.ts'
import { errorCodes } from '../protocol/codes.ts'
import {
  adminPath,
  type Field,
  type FieldType,
  linesType,
  type Operation,
  operationNames,
  operations,
  pathFields,
} from './admin.ts'

const schemas: Readonly<Record<FieldType, object>> = {
  text: { type: 'string' },
  texts: { type: 'array', items: { type: 'string' } },
  media: { type: 'object' },
  change: { type: 'string', enum: groupChanges },
}

export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const name of operationNames) {
    const operation = operations[name]
    const { path, method } = operation
    paths[path] = { ...paths[path], [method.toLowerCase()]: described(name, operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Bluetick, for operators',
      version: '1',
      description: 'What operators ask of a node, with its operator token. A group in a path is percent-encoded: %23.',
    },
    servers: [{ url: adminPath }],
    security: [{ operator: [] }],
    paths,
    components: {
      securitySchemes: { operator: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Error: {
          type: 'object',
          required: ['error', 'text', 'retry'],
          properties: {
            error: { type: 'string', enum: [...Object.keys(errorCodes), ...ownErrors] },
            text: { type: 'string' },
            retry: { type: 'boolean', description: 'Whether the same may succeed later.' },
          },
        },
      },
    },
  }
}

/** Errors of the admin API, beside those of the protocol. */
const ownErrors = ['not_an_operator', 'too_many_attempts', 'not_found', 'wrong_method', 'bad_request', 'unavailable']
const failure = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
})

function described(name: string, { method, path, text, fields, lines }: Operation): object {
  const inPath = pathFields(path)
  const others = Object.entries(fields).filter(([field]) => !inPath.includes(field))
  const hasBody = (method === 'POST' || method === 'PUT') && others.length > 0
  const parameters = [
    ...inPath.map((field) => parameter(field, 'path', fields[field] as Field)),
    ...(hasBody ? [] : others.map(([field, of]) => parameter(field, 'query', of))),
  ]
  return {
    operationId: name,
    summary: text,
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody && { requestBody: { required: true, content: { 'application/json': { schema: bodyOf(others) } } } }),
    responses: {
      200: {
        description: 'Done.',
        content: { [lines ? linesType : 'application/json']: { schema: { type: 'object' } } },
      },
      400: failure('It cannot be: a field is wrong, or the node refuses it for good.'),
      403: failure('Only who shows the operator token may.'),
      429: failure('Too many wrong tokens came from this address.'),
      404: failure('Nothing is known of that.'),
      503: failure('It is not done; try again.'),
    },
  }
}

const parameter = (name: string, where: 'path' | 'query', { type, text, optional }: Field) => ({
  name,
  in: where,
  required: !optional,
  description: text,
  schema: schemas[type],
})

const bodyOf = (fields: readonly (readonly [string, Field])[]) => ({
  type: 'object',
  additionalProperties: false,
  required: fields.filter(([, { optional }]) => !optional).map(([name]) => name),
  properties: Object.fromEntries(
    fields.map(([name, { type, text }]) => [name, { ...schemas[type], description: text }]),
  ),
})
