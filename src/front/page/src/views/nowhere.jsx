import { useTitle } from '../title.js';


export function Nowhere() {
    useTitle('No such view');

    return (
        <>
            <h1 tabIndex={-1}>There is no such view</h1>
            <p>
                The address may be cut off. <a href="#/">To the overview</a>
            </p>
        </>
    );
}
