/** The demo collection of `cairn serve --demo`. */
export { loadDemo } from './load-demo.js';
export { demoLines } from './question.js';
