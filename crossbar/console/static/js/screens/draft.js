/** A document on its way: what is stored, what somebody makes of it, and how that is saved. */
import {useEffect, useState} from "../html.js";
import {askBeforeLeaving, go, href} from "../router.js";
import {call} from "../session.js";
import {differences, isEmpty, same, valueAt, withValue} from "../values.js";

const READ_ONLY = ["id", "_read_only", "metadata"];
const CONFLICTS = ["datastore_conflict", "precondition_failed"];
const AT_REST = {error: null, note: "", busy: false, theirs: null, secret: null};

/**
 * The state of a document's screen, and what can be done to it.
 *
 * @param {object} props
 * @param {string[]} props.address the tokens of the screen's address
 * @param {string} props.path of the API
 * @param {import("../model.js").Operation | null} props.writing the operation that saves
 * @param {boolean} props.isNew
 * @param {import("../api.js").Answer | null} props.answer what was read, null for a new document
 * @param {object} props.empty what a new document begins with
 */
export function useDraft({address, path, writing, isNew, answer, empty}) {
  const [stored, keep] = useState(answer ?? {data: {}, envelope: {}, tag: null, request: null});
  const [draft, edit] = useState(answer?.data ?? empty);
  const [state, set] = useState(AT_REST);
  const isChanged = isNew ? !isEmpty(draft) && !state.secret : !same(draft, stored.data);
  useEffect(() => {
    askBeforeLeaving(isChanged ? () => confirm("Leave without saving your changes?") : null);
    return () => askBeforeLeaving(null);
  }, [isChanged]);

  const leaveFor = (place, options) => {
    askBeforeLeaving(null);
    go(place, options);
  };
  /** Read again; answers to writes have no tag, and may show less than a read. */
  const reload = async (note = "") => {
    const next = await call("GET", path);
    keep(next);
    edit(next.data);
    set({...AT_REST, note});
  };
  /** Save a document as a change of what somebody has read. */
  const save = async (document = draft, read = stored) => {
    set({...AT_REST, busy: true});
    try {
      const {data} = await write({path, writing, isNew, document, read});
      if (!isNew) return await reload("Saved.");
      const after = () => leaveFor(placeOf(address, data.id), {replace: true});
      const key = data._read_only?.key;
      return key ? set({...AT_REST, secret: {key, after}}) : after();
    } catch (error) {
      const theirs = isNew || !CONFLICTS.includes(error.code) ? null : await call("GET", path).catch(() => null);
      return set({...AT_REST, error: theirs ? null : error, theirs});
    }
  };
  return {
    ...{stored, draft, edit, isChanged, reload, save},
    ...state,
    undo: () => edit(stored.data),
    remove: async () => {
      await call("DELETE", path, {tag: stored.tag});
      leaveFor(href(address.slice(0, -1)));
    },
    /** After a conflict: what was chosen becomes a change of what is stored now. */
    resolve: (merged) => {
      keep(state.theirs);
      edit(merged);
      return save(merged, state.theirs);
    },
    dismiss: () => set(AT_REST),
  };
}

/** Create, merge what has changed, or replace; the last only where nothing can be merged. */
function write({path, writing, isNew, document, read}) {
  if (isNew) return call("PUT", path, {data: document});
  const data = writing.action === "patch" ? changes(read.data, document) : withoutReadOnly(document);
  return call(writing.verb, path, {data, tag: read.tag});
}

/** What a merge has to say: the values that differ, null for those that are gone. */
function changes(base, document) {
  return differences(base, document).reduce(
    (said, path) => withValue(said, path, valueAt(document, path) ?? null),
    {},
  );
}

function withoutReadOnly(document) {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !READ_ONLY.includes(name)));
}

/** Where a new document is: below its list; an account is below no other in addresses. */
function placeOf(address, id) {
  const isAccount = address[0] === "accounts" && address.length <= 2;
  return href(isAccount ? ["accounts", id] : [...address, id]);
}
