/*
 * What stands around a list that is read page by page.
 */

import { count } from '../format.js';
import { Failed, Loading, Stale } from './states.jsx';
import { Table } from './table.jsx';


export function List({ list, caption, columns, rowKey, noun, empty }) {
    const { rows, next, found, busy, error, when, more, refresh } = list;

    if (!rows) {
        return error
            ? <Failed error={error} retry={refresh} />
            : <Loading>Looking…{found > 0 && ` ${found} so far`}</Loading>;
    }

    if (rows.length === 0) {
        return empty;
    }

    return (
        <>
            {error && <Stale error={error} at={when} retry={refresh} />}
            <div class="panel flush">
                <Table caption={caption} columns={columns} rows={rows}
                       rowKey={rowKey} />
            </div>
            <p class="more">
                <span role="status">
                    {count(rows.length, noun)}
                    {next ? ' so far' : ', that is all'}
                </span>
                {next && (
                    <button type="button" aria-disabled={busy} onClick={more}>
                        {busy ? 'Looking…' : 'Show more'}
                    </button>
                )}
            </p>
        </>
    );
}
