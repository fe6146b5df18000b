/** Recordings that are dropped anywhere on the page, or chosen, become a replay. */
import { type ChangeEvent, useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { bytes, count } from '../text.ts';
import { Dialog } from '../widgets.tsx';
import './drop.css';
import { type Sent, upload } from './upload.ts';

let take: (files: readonly File[]) => void = () => {};

/** Opens the system's file picker. */
export function ChooseCapture({ label = 'Open a recording' }: { readonly label?: string }) {
  const input = useRef<HTMLInputElement>(null);
  const chosen = (event: ChangeEvent<HTMLInputElement>): void => {
    take([...(event.target.files ?? [])]);
    event.target.value = '';
  };
  return (
    <>
      <button type="button" onClick={() => input.current?.click()}>
        {label}
      </button>
      <input ref={input} type="file" multiple hidden aria-label={label} onChange={chosen} />
    </>
  );
}

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;

/** Stands once around all pages. */
export function DropZone() {
  const [files, setFiles] = useState<readonly File[]>([]);
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    take = setFiles;
    const over = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      // Only what leaves the window has nothing that it enters.
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      setFiles([...(event.dataTransfer?.files ?? [])]);
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    return () => {
      take = () => {};
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
    };
  }, []);
  if (files.length > 0) return <Sending files={files} onEnd={() => setFiles([])} />;
  return isOver ? (
    <div className="drop-veil" aria-hidden="true">
      <p>Drop it: it is played beside what is live, and opens as a picture</p>
    </div>
  ) : null;
}

function Sending({ files, onEnd }: { readonly files: readonly File[]; readonly onEnd: () => void }) {
  const [, navigate] = useLocation();
  const [sent, setSent] = useState<Sent>({ bytes: 0, of: files.reduce((sum, { size }) => sum + size, 0) });
  const [failure, setFailure] = useState('');
  const [tried, setTried] = useState(1);
  const end = useRef(onEnd);
  end.current = onEnd;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another try is another upload.
  useEffect(() => {
    const abort = new AbortController();
    setFailure('');
    upload(files, setSent, abort.signal).then(
      id => {
        if (abort.signal.aborted) return;
        end.current();
        navigate(`/replays/${id}`);
      },
      (error: Error) => {
        if (!abort.signal.aborted) setFailure(error.message);
      },
    );
    return () => abort.abort();
  }, [files, tried, navigate]);
  return (
    <Dialog label="Sending recordings" onClose={onEnd}>
      <h2>{count(files.length, 'recording')} on the way</h2>
      <ul className="plain">
        {files.map((file, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: names may repeat, the list never changes.
          <li key={at}>
            <code>{file.name}</code> <span className="quiet">{bytes(file.size)}</span>
          </li>
        ))}
      </ul>
      {failure === '' ? (
        <p role="status">
          <progress value={sent.bytes} max={Math.max(sent.of, 1)} aria-label="Sent" /> {bytes(sent.bytes)} of{' '}
          {bytes(sent.of)}
        </p>
      ) : (
        <p className="problem" role="alert">
          Not sent: {failure}
        </p>
      )}
      <p className="actions">
        {failure === '' ? null : (
          <button type="button" onClick={() => setTried(held => held + 1)}>
            Try again
          </button>
        )}
        <button type="button" onClick={onEnd}>
          {failure === '' ? 'Cancel' : 'Close'}
        </button>
      </p>
    </Dialog>
  );
}
