#!/usr/bin/env python3
"""validate.py DOCUMENT EXCHANGES

Says in TAP whether an OpenAPI 3.1 document is sound, and whether the exchanges
of EXCHANGES, a JSON object a line, are what it describes: "method", "path" (as
in the document, with the query's parameters as an object "query"), "sent" (a
body, or null), "status", "headers" (lower-case names), "body".

An answer must have no member that the document does not name.
"""

import copy
import json
import sys

import jsonschema

VALIDATOR = jsonschema.Draft202012Validator
METHODS = ('get', 'put', 'post', 'delete', 'patch', 'head')

# what no test can bring about at will
UNPROVOKED = {
    ('testEndpoint', '503'),        # thousands of deliveries wait
}

tests = failures = 0


def ok(passed, name, *why):
    global tests, failures

    tests += 1
    failures += not passed
    print('%sok %d - %s' % ('' if passed else 'not ', tests, name))

    for line in why if not passed else ():
        print('# ' + str(line).replace('\n', '\n# '))

    return passed


def walk(value, at='#'):
    """Each object below value, with its pointer."""

    if isinstance(value, dict):
        yield at, value
        for key, inner in value.items():
            yield from walk(inner, '%s/%s' % (at, key))

    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from walk(inner, '%s/%d' % (at, i))


def resolve(document, ref):
    value = document

    for part in ref[2:].split('/'):
        value = value[part.replace('~1', '/').replace('~0', '~')]

    return value


def follow(document, value):
    while '$ref' in value:
        value = resolve(document, value['$ref'])

    return value


def close(document):
    """A copy whose objects have only the members that they name."""

    document = copy.deepcopy(document)

    for _, value in walk(document['components']['schemas']):
        if value.get('type') == 'object' and 'properties' in value:
            value.setdefault('additionalProperties', False)

    return document


def errors(document, schema, value):
    """What is wrong with value, the document being what $refs point into."""

    schema = dict(schema, components=document['components'])

    return ['%s: %s' % ('/'.join(map(str, e.absolute_path)), e.message[:300])
            for e in VALIDATOR(schema).iter_errors(value)]


def operations(document):
    for path, item in document['paths'].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method], [
                    follow(document, p) for p in
                    item.get('parameters', []) + item[method].get(
                        'parameters', [])]


def check_document(document):
    ok(document['openapi'].startswith('3.1.'), 'it is OpenAPI 3.1')

    for member in ('title', 'version', 'description'):
        ok(document['info'].get(member), 'it has info.' + member)

    # references

    refs = {value['$ref'] for _, value in walk(document)
            if isinstance(value.get('$ref'), str)}
    broken = []

    for ref in sorted(refs):
        try:
            resolve(document, ref)
        except (KeyError, IndexError, TypeError):
            broken.append(ref)

    ok(not broken, 'what it refers to is there', *broken)

    parts = {'#/components/%s/%s' % (kind, name)
             for kind, named in document['components'].items()
             for name in named}
    unused = sorted(parts - refs)
    ok(not unused, 'all of its components are used', *unused)

    # operations

    ids = [operation.get('operationId') for _, _, operation, _ in
           operations(document)]
    ok(None not in ids and len(ids) == len(set(ids)),
       'each operation has an id of its own', ids)

    tags = {tag['name'] for tag in document['tags']}

    for path, method, operation, parameters in operations(document):
        name = operation['operationId']
        why = []
        named = {part[1:-1] for part in path.split('/')
                 if part.startswith('{')}
        declared = {p['name'] for p in parameters if p['in'] == 'path'}
        keys = [(p['in'], p['name']) for p in parameters]

        if named != declared:
            why.append('path parameters: %s' % (named ^ declared))

        if len(keys) != len(set(keys)):
            why.append('a parameter stands there twice')

        for p in parameters:
            if p['in'] == 'path' and not p.get('required'):
                why.append('%s is not required' % p['name'])
            if not p.get('description') or 'schema' not in p:
                why.append('%s lacks a description or a schema' % p['name'])

        if not set(operation['tags']) <= tags:
            why.append('a tag is not declared')

        if not operation.get('summary'):
            why.append('no summary')

        for status, response in operation['responses'].items():
            if not follow(document, response).get('description'):
                why.append('%s lacks a description' % status)

        changes = method in ('post', 'delete')
        if changes != (('header', 'X-Jamhook-Request') in keys):
            why.append('X-Jamhook-Request')

        ok(not why, '%s is described in full' % name, *why)

    # schemas, and the examples of them

    bad = []

    for name, schema in document['components']['schemas'].items():
        try:
            VALIDATOR.check_schema(schema)
        except jsonschema.SchemaError as e:
            bad.append('%s: %s' % (name, e.message))

    ok(not bad, 'its schemas are JSON Schema of 2020-12', *bad)

    bad = []

    for at, value in walk(document):
        if at.startswith('#/components/schemas') and 'examples' in value \
           and isinstance(value['examples'], list):
            for example in value['examples']:
                bad += ['%s %s' % (at, e)
                        for e in errors(document, value, example)]

        if 'schema' in value and 'example' in value:
            bad += ['%s %s' % (at, e) for e in
                    errors(document, value['schema'], value['example'])]

    ok(not bad, 'its examples are what they are examples of', *bad)

    loose = [at for at, value in walk(document['components']['schemas'])
             if value.get('type') == 'object' and 'properties' in value
             and 'required' not in value
             and value.get('additionalProperties') is not False]
    ok(not loose, 'an object says which members it always has', *loose)

    dumb = [at for at, value in walk(document['components']['schemas'])
            if value.get('type') == 'object'
            and not value.get('description')]
    ok(not dumb, 'and what it is', *dumb)


def check_exchange(document, closed, n, exchange, seen):
    method = exchange['method'].lower()
    path = exchange['path']
    status = str(exchange['status'])
    name = '%d: %s %s %s' % (n, exchange['method'], path, status)

    operation = document['paths'].get(path, {}).get(
        'get' if method == 'head' else method)

    if operation is None:
        # nothing is said of it but that it is refused, and how
        if ok(status in ('404', '405'), name + ' is refused'):
            check_body(closed, closed['components']['schemas']['Problem'],
                       exchange, name, 'application/problem+json')
        return

    seen.add((operation['operationId'], status))

    item = document['paths'][path]
    known = {(p['in'], p['name']): p for p in
             (follow(document, p) for p in item.get('parameters', [])
              + operation.get('parameters', []))}

    if status in ('200', '304'):
        why = []

        for key, value in (exchange.get('query') or {}).items():
            p = known.get(('query', key))
            if p is None:
                why.append('the parameter %s is not described' % key)
                continue
            schema = follow(document, p['schema'])
            if schema.get('type') == 'integer':
                value = int(value)
            why += errors(document, schema, value)

        if exchange.get('sent'):
            body = operation.get('requestBody')
            if body is None:
                why.append('a body is not described')
            else:
                why += errors(document,
                              body['content']['application/json']['schema'],
                              json.loads(exchange['sent']))

        ok(not why, name + ': what was asked is described', *why)

    if status == '304':
        return

    response = operation['responses'].get(status)

    if not ok(response is not None, name + ': the status is described'):
        return

    response = follow(closed, response)
    (media, content), = response['content'].items()

    for header, described in response.get('headers', {}).items():
        value = exchange['headers'].get(header.lower())

        if described['schema'].get('type') == 'integer' and value:
            value = int(value)

        why = ['it is not there'] if value is None \
            else errors(document, described['schema'], value)
        ok(not why, '%s: its %s is described' % (name, header), *why)

    if method == 'head':
        ok(exchange['body'] == '', name + ': no body')
        return

    check_body(closed, content['schema'], exchange, name, media)


def check_body(closed, schema, exchange, name, media):
    kind = exchange['headers'].get('content-type')
    ok(kind == media, '%s: it is %s' % (name, media), kind)

    try:
        value = json.loads(exchange['body'])
    except ValueError as e:
        ok(False, name + ': it is JSON', e, exchange['body'][:300])
        return

    why = errors(closed, schema, value)
    ok(not why, name + ': the answer is as described', *why,
       exchange['body'][:1000])

    if media == 'application/problem+json' and isinstance(value, dict):
        ok(value.get('status') == exchange['status'],
           name + ': the problem has the status of the answer', value)

        if exchange['status'] == 400:
            ok('parameter' in value, name + ': it names what is wrong', value)


def main():
    with open(sys.argv[1], encoding='utf-8') as f:
        document = json.load(f)

    check_document(document)

    closed = close(document)
    seen = set()

    with open(sys.argv[2], encoding='utf-8') as f:
        for n, line in enumerate(f, 1):
            check_exchange(document, closed, n, json.loads(line), seen)

    for _, _, operation, _ in operations(document):
        name = operation['operationId']
        missing = [status for status in operation['responses']
                   if (name, status) not in seen
                   and (name, status) not in UNPROVOKED]
        ok(not missing, name + ': each of its answers was met', *missing)

    print('1..%d' % tests)

    return failures != 0


sys.exit(main())
