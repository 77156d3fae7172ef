import type {
  ContentObject,
  OpenApiDocument,
  OperationObject,
  ParameterObject,
  ResponseObject,
} from './document.ts'
import { anchorOf, escapeHtml, prose, renderSchema } from './schema-html.ts'

/** An OpenAPI document as a page that needs no script and nothing from elsewhere. */
export function renderDocument(document: OpenApiDocument): string {
  const groups = document.tags.map(({ name, description }) => {
    const operations = operationsOf(document).filter(({ operation }) => isIn(operation, name))
    return operations.length === 0
      ? ''
      : `<section><h2 id="${escapeHtml(anchorOf(name))}">${escapeHtml(name)}</h2>
<p>${prose(description)}</p>${operations.map(renderOperation).join('')}</section>`
  })
  const schemas = Object.entries(document.components.schemas).map(
    ([id, schema]) =>
      `<article><h3 id="${anchorOf(id)}">${escapeHtml(id)}</h3>${renderSchema(schema)}</article>`,
  )
  return `${HEAD}${groups.join('')}<section><h2>Schemas</h2>${schemas.join('')}</section>${FOOT}`
}

const HEAD = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bridgeback: HTTP API</title>
<link rel="stylesheet" href="/dashboard/style.css">
<link rel="stylesheet" href="/dashboard/docs.css">
</head>
<body>
<header><a class="name" href="/">Bridgeback</a>
<nav aria-label="Pages"><a href="/docs" aria-current="page">HTTP API</a><a href="/docs/json">OpenAPI 3.1 document</a></nav></header>
<main>
<h1>HTTP API</h1>
<p>Everything below <code>/api/v1</code> takes a key: <code>Authorization: Bearer KEY</code>. Times are ISO 8601 in
UTC, amounts are decimal text, errors are <a href="#schema-Problem">problem details</a> with a stable
<code>code</code>. Members may be added to answers; none is taken away or changes its meaning.</p>
`
const FOOT = '</main></body></html>\n'

interface PlacedOperation {
  readonly method: string
  readonly path: string
  readonly operation: OperationObject
}

const operationsOf = ({ paths }: OpenApiDocument): readonly PlacedOperation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )

const isIn = ({ tags }: OperationObject, group: string): boolean =>
  tags.some((tag) => tag === group)

function renderOperation({ method, path, operation }: PlacedOperation): string {
  const { summary, description, parameters = [], requestBody, responses, operationId } = operation
  return `<details id="${operationId}"><summary><code>${method.toUpperCase()} ${escapeHtml(path)}</code>
<span class="fine">${prose(summary)}</span></summary>
${description === undefined ? '' : `<p>${prose(description)}</p>`}
${parameters.length > 0 ? table(['Parameter', 'In', 'Value', ''], parameters.map(renderParameter)) : ''}
${requestBody ? `<h4>Body</h4>${renderContent(requestBody.content)}` : ''}
<h4>Answers</h4>
${table(['Status', 'Meaning', 'Body'], Object.entries(responses).map(renderResponse))}
</details>`
}

function renderParameter({ name, in: place, required, description, schema }: ParameterObject) {
  const usual =
    schema['default'] === undefined ? '' : ` \`${JSON.stringify(schema['default'])}\` unless said.`
  const needed = required ? 'Required.' : ''
  return [
    `<code>${escapeHtml(name)}</code>`,
    place,
    renderSchema(schema),
    prose([description ?? '', needed, usual].join(' ')),
  ]
}

function renderResponse([status, { description, headers = {}, content = {} }]: [
  string,
  ResponseObject,
]): readonly string[] {
  const told = Object.entries(headers).map(
    ([name, header]) => `<br><code>${escapeHtml(name)}</code>: ${prose(header.description)}`,
  )
  return [status, `${prose(description)}${told.join('')}`, renderContent(content)]
}

const renderContent = (content: ContentObject): string =>
  Object.entries(content)
    .map(([type, { schema }]) => `<div><code>${type}</code> ${renderSchema(schema)}</div>`)
    .join('')

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th>${text}</th>`).join('')
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`)
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}
