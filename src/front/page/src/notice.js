/*
 * What came of the last action: one at a time, seen on screen and read out.
 */

import { makeStore } from './store.js';


/* { kind: 'good' | 'bad', title, detail } or null */
export const notice = makeStore(null);


export function tell(title, detail = '', kind = 'good') {
    notice.set({ kind, title, detail });
}


export function tellProblem(problem) {
    tell(problem.message, problem.detail, 'bad');
}
