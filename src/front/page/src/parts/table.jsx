/*
 * A table that becomes a stack of cards on a narrow screen.  The roles are
 * written out, for a browser drops a table's own when its display is changed.
 */


/*
 * columns: [{ title, cell(row), kind }], kind "num" or "wide"; the first one
 * names the row.
 */
export function Table({ caption, columns, rows, rowKey }) {
    const [first, ...others] = columns;

    return (
        <table role="table" class="cards">
            <caption class="unseen">{caption}</caption>
            <thead role="rowgroup">
                <tr role="row">
                    {columns.map(({ title, kind }) => (
                        <th key={title} role="columnheader" scope="col"
                            class={kind}>
                            {title}
                        </th>
                    ))}
                </tr>
            </thead>
            <tbody role="rowgroup">
                {rows.map((row) => (
                    <tr key={rowKey(row)} role="row">
                        <th role="rowheader" scope="row" class={first.kind}>
                            {first.cell(row)}
                        </th>
                        {others.map(({ title, cell, kind }) => (
                            <td key={title} role="cell" class={kind}
                                data-label={title}>
                                <div>{cell(row)}</div>
                            </td>
                        ))}
                    </tr>
                ))}
            </tbody>
        </table>
    );
}
