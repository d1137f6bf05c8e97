import { useEffect } from 'preact/hooks';


/* What the browser's tab says. */
export function useTitle(title) {
    useEffect(() => {
        document.title = `${title} – jamhook`;
    }, [title]);
}
