import { notice } from '../notice.js';
import { useStore } from '../store.js';
import { Icon } from './icons.jsx';


/* The region is always there: only then do screen readers read what comes. */
export function Notice() {
    const news = useStore(notice);

    return (
        <div class="notices" role="status" aria-live="polite">
            {news && (
                <div class={`notice tone-${news.kind}`}>
                    <Icon name={news.kind} />
                    <div>
                        <strong>{news.title}</strong>
                        {news.detail && <p>{news.detail}</p>}
                    </div>
                    <button type="button" class="link"
                            onClick={() => notice.set(null)}>
                        Dismiss
                    </button>
                </div>
            )}
        </div>
    );
}
