/*
 * Makes ngx_http_jamhook_page.c out of the files beside this one:
 *
 *   node build.mjs MODULES OUT FILE
 *
 * MODULES is where npm has put esbuild, preact and uplot (a node_modules), OUT
 * a directory for the files as they are served, FILE the C file.  The same
 * sources and the same package-lock.json give the same text everywhere; how
 * small gzip makes it depends on Node's zlib.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BUNDLED = ['preact', 'uplot'];
const COLUMNS = 80;

const here = dirname(fileURLToPath(import.meta.url));

if (process.argv.length !== 5) {
    console.error('usage: node build.mjs MODULES OUT FILE');
    process.exit(2);
}

const [modules, out, file] = process.argv.slice(2).map((arg) => resolve(arg));
const esbuild = createRequire(join(modules, 'x.js'))('esbuild');

const pages = [
    { name: '', type: 'text/html; charset=utf-8', text: source('index.html') },
    { name: 'app.js', type: 'text/javascript; charset=utf-8',
      text: await script() },
    { name: 'app.css', type: 'text/css; charset=utf-8', text: await style() },
    { name: 'icon.svg', type: 'image/svg+xml', text: source('icon.svg') },
];

if (existsSync(join(here, 'openapi.json'))) {
    pages.push({
        name: 'api/openapi.json',
        type: 'application/json',
        text: JSON.stringify(JSON.parse(source('openapi.json'))),
    });
}

for (const page of pages) {
    const path = join(out, page.name || 'index.html');

    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, page.text);
}

writeFileSync(file, cFile(pages));


function source(name) {
    return readFileSync(join(here, name), 'utf8');
}


async function script() {
    return `/* with ${BUNDLED.map(credit).join(' and ')} */\n`
        + await bundle('src/main.jsx', { format: 'esm' });
}


function style() {
    return bundle('src/style.css', {});
}


async function bundle(entry, options) {
    const result = await esbuild.build({
        entryPoints: [entry],
        absWorkingDir: here,
        nodePaths: [modules],
        bundle: true,
        minify: true,
        write: false,
        charset: 'utf8',
        target: ['es2021', 'chrome100', 'firefox100', 'safari15.4'],
        legalComments: 'none',
        jsx: 'automatic',
        jsxImportSource: 'preact',
        logLevel: 'warning',
        ...options,
    });

    return result.outputFiles[0].text;
}


/* "preact 11.2.0 (MIT, Copyright ...)" */
function credit(name) {
    const { version, license } = JSON.parse(
        readFileSync(join(modules, name, 'package.json'), 'utf8'));

    const [copyright] = licence(name).match(/^ *Copyright.*$/m);

    return `${name} ${version} (${license}, ${copyright.trim()})`;
}


function licence(name) {
    return readFileSync(join(modules, name, 'LICENSE'), 'utf8').trim();
}


function cFile(all) {
    const compressed = all.map(({ text }) => gzip(Buffer.from(text)));

    return [
        comment(`Made by "make page" from the files in src/front/page; change`
                + ` them, not this one.  The script holds`
                + ` ${BUNDLED.map(credit).join(' and ')}.  Their licences:`
                + `\n\n${BUNDLED.map(licence).join('\n\n')}`),
        '#include "ngx_http_jamhook_page.h"',
        ...all.map(({ name, text }, i) => [
            array(variable(name), Buffer.from(text)),
            ...compressed[i].length
                ? [array(`${variable(name)}_gzip`, compressed[i])] : [],
        ]).flat(),
        table(all, compressed),
    ].map((part) => `\n${part}\n`).join('\n');
}


/* Empty where it would not be smaller. */
function gzip(bytes) {
    const compressed = gzipSync(bytes, { level: 9 });

    compressed[9] = 255;                 /* the system: says nothing here */

    return compressed.length < bytes.length ? compressed : Buffer.alloc(0);
}


function comment(text) {
    const lines = text.replaceAll('*/', '* /').split(/\n{2,}/)
        .map((paragraph) => wrap(paragraph, COLUMNS - 3).join('\n'))
        .join('\n\n').split('\n')
        .map((line) => ` * ${line}`.trimEnd());

    return ['/*', ...lines, ' */'].join('\n');
}


function wrap(text, width) {
    const lines = [''];

    for (const word of text.trim().split(/\s+/)) {
        const line = lines.at(-1);

        if (line && line.length + 1 + word.length > width) {
            lines.push(word);

        } else {
            lines[lines.length - 1] = line ? `${line} ${word}` : word;
        }
    }

    return lines;
}


function variable(name) {
    return 'ngx_http_jamhook_page_'
        + (name || 'index.html').replaceAll(/[^a-z0-9]/g, '_');
}


function array(name, bytes) {
    const lines = [];
    let line = '   ';

    for (const byte of bytes) {
        if (line.length + String(byte).length + 2 > COLUMNS) {
            lines.push(line);
            line = '   ';
        }

        line += ` ${byte},`;
    }

    return [`static u_char  ${name}[] = {`, ...lines, line, '};'].join('\n');
}


function table(all, compressed) {
    const entries = all.map(({ name, type, text }, i) => {
        const hash = createHash('sha256').update(text).digest('hex');

        return [
            `    { ngx_string("${name}"),`,
            `      ngx_string("${type}"),`,
            `      ngx_string("\\"${hash.slice(0, 16)}\\""),`,
            `      ${string(variable(name))},`,
            `      ${compressed[i].length
                      ? string(`${variable(name)}_gzip`)
                      : 'ngx_null_string'} },`,
        ].join('\n');
    });

    return [
        'ngx_http_jamhook_page_t  ngx_http_jamhook_pages[] = {',
        ...entries,
        '    { ngx_null_string, ngx_null_string, ngx_null_string,\n'
        + '      ngx_null_string, ngx_null_string }',
    ].join('\n\n') + '\n};';
}


function string(name) {
    return `{ sizeof(${name}),\n        ${name} }`;
}
