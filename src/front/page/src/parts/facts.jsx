/*
 * Names and values: [['Type', 'x'], ...]; those without a value are left out.
 */
export function Facts({ facts }) {
    return (
        <dl class="facts">
            {facts.filter(([, value]) => value || value === 0)
                .map(([name, value]) => (
                    <div key={name}>
                        <dt>{name}</dt>
                        <dd>{value}</dd>
                    </div>
                ))}
        </dl>
    );
}
