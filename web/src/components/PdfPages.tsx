import { useQuery } from '@tanstack/react-query';
import { GlobalWorkerOptions, getDocument, type PDFDocumentProxy, TextLayer } from 'pdfjs-dist';
import worker from 'pdfjs-dist/build/pdf.worker.min.mjs?url';
import { useEffect, useRef } from 'react';
import { api } from '../api/client.ts';
import { ActProblem, Waiting } from './states.tsx';

GlobalWorkerOptions.workerSrc = worker;

/** Pages [from, to) of a PDF, drawn by the page itself: no plug-in, no script of the file, selectable text. */
export default function PdfPages(props: { sha256: string; from: number; to: number; title: string }) {
  const file = useQuery({
    queryKey: ['/api/content', props.sha256, 'pdf'],
    queryFn: async () => {
      const bytes = await (await api.blob(`/api/content/${props.sha256}`, 'application/pdf')).arrayBuffer();
      // WebAssembly would need another exception in the content security policy.
      return getDocument({ data: new Uint8Array(bytes), useWasm: false, enableXfa: false }).promise;
    },
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
  });
  if (file.isError) return <ActProblem error={file.error} />;
  if (!file.data) return <Waiting />;
  const last = Math.min(props.to, file.data.numPages + 1);
  const numbers = Array.from({ length: Math.max(0, last - props.from) }, (_, index) => props.from + index);
  return (
    <div className="pdf">
      {numbers.map((number) => (
        <PdfPage key={number} file={file.data} number={number} title={`${props.title}, ${number}`} />
      ))}
    </div>
  );
}

function PdfPage({ file, number, title }: { file: PDFDocumentProxy; number: number; title: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const text = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let stop = () => {};
    let gone = false;
    const draw = async () => {
      const page = await file.getPage(number);
      const [surface, layer] = [canvas.current, text.current];
      if (gone || !surface || !layer) return;
      const plain = page.getViewport({ scale: 1 });
      const scale = (surface.parentElement?.clientWidth ?? plain.width) / plain.width;
      const viewport = page.getViewport({ scale });
      const sharp = window.devicePixelRatio || 1;
      surface.width = viewport.width * sharp;
      surface.height = viewport.height * sharp;
      surface.style.width = `${viewport.width}px`;
      layer.replaceChildren();
      layer.style.setProperty('--total-scale-factor', String(scale));
      const task = page.render({
        canvas: surface,
        viewport,
        transform: sharp === 1 ? undefined : [sharp, 0, 0, sharp, 0, 0],
      });
      stop = () => task.cancel();
      await task.promise;
      await new TextLayer({
        textContentSource: page.streamTextContent(),
        container: layer,
        viewport,
      }).render();
    };
    // A drawing that was given up because the reader went on is no error.
    draw().catch(() => undefined);
    return () => {
      gone = true;
      stop();
    };
  }, [file, number]);
  return (
    <section className="pdf-page" aria-label={title}>
      <canvas ref={canvas} />
      <div ref={text} className="pdf-text" />
    </section>
  );
}
