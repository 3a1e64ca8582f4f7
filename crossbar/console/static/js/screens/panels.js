/** What documents of some families have beside their form. */

const PANELS = [];

/** The panels of the document at a place. @returns {{name: string, Panel: any}[]} */
export function panelsFor(place) {
  return PANELS.filter(({isFor}) => isFor(place));
}
