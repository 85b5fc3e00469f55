/** Asks the page's own server. @throws when it does not answer 200 */
export async function post(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

export async function getState() {
  const response = await fetch('/demo/state');
  if (!response.ok) throw new Error(`state: ${response.status}`);
  return response.json();
}
