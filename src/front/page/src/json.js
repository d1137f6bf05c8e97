/*
 * JSON made readable without reading it: only the white space between tokens
 * changes.  Parsing it and printing it again would round large numbers, drop
 * doubled members and reorder some: then it would not be what Jam has sent.
 */

const DEEPEST = 32;                      /* steps of indentation */
const LARGEST = 8000000;                 /* characters of the result */

const TOKENS = /"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;


/* what turns the direction of the text around it */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;


/*
 * The text with its marks of direction as JSON's escapes, so that what it says
 * stands where it was said.
 */
export function upright(text) {
    return text.replace(TURNS, (mark) =>
        `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}


/*
 * The text indented, or null where it is not JSON, or would become too large:
 * a megabyte of brackets makes gigabytes of spaces.
 */
export function indent(text) {
    try {
        JSON.parse(text);

    } catch {
        return null;
    }

    const tokens = text.match(TOKENS);
    const out = [];
    let depth = 0;
    let size = text.length;

    function line() {
        const indent = '  '.repeat(Math.min(depth, DEEPEST));

        out.push('\n', indent);
        size += indent.length;
    }

    for (const [i, token] of tokens.entries()) {
        if (size > LARGEST) {
            return null;
        }

        switch (token) {

        case '{':
        case '[':
            out.push(token);

            if (!closes(tokens[i + 1])) {
                depth++;
                line();
            }

            break;

        case '}':
        case ']':
            if (!opens(tokens[i - 1])) {
                depth--;
                line();
            }

            out.push(token);
            break;

        case ',':
            out.push(token);
            line();
            break;

        case ':':
            out.push(': ');
            break;

        default:
            out.push(token);
        }
    }

    return out.join('');
}


function opens(token) {
    return token === '{' || token === '[';
}


function closes(token) {
    return token === '}' || token === ']';
}
