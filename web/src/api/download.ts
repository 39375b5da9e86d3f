import { api } from './client.ts';

/** Fetches a file in the wanted form and hands it to the reader under `name`. */
export async function download(path: string, accept: string, name: string): Promise<void> {
  const blob = await api.blob(path, accept);
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
