// Notifications to customers, and their state on each channel.

import { path, send } from './api.js';
import { openQuestion } from './act.js';
import { chip, code, el, orderLink, show } from './dom.js';
import { many, tone, when, words } from './format.js';
import { listView } from './list.js';
import { deliveryWords } from './order-parts.js';

export function notificationsView(here, signal) {
  return listView({
    here, signal, title: 'Notifications', path: '/api/notifications', none: 'No customer was told anything yet.',
    filters: [{ name: 'status', label: 'Status', options: [['pending', 'pending'], ['delivered', 'delivered'], ['exhausted', 'exhausted: given up']] }],
    aside: (again) => (here.query.status === 'exhausted' ? el('button', { type: 'button', onclick: () => sendAllAgain(again) }, 'Send all again…') : null),
    columns: [['What'], ['Order'], ['Status'], ['Channels', 'text'], ['Requested', 'large']],
    key: (notification) => notification.notification_id,
    row: (notification) => [
      [words(notification.kind), notification.reference ? [' ', code(notification.reference)] : null],
      orderLink(notification.order_id),
      [chip(words(notification.status), tone(notification.status)), notification.status === 'exhausted' ? sendAgain(notification) : null],
      notification.deliveries.map((delivery) => el('div', {}, deliveryWords(delivery))),
      when(notification.requested_at),
    ],
  });
}

function sendAllAgain(again) {
  openQuestion({
    title: 'Send all again', label: 'Send all again',
    about: 'Every notification that a channel gave up is sent through that channel again. Customers may be told twice.',
    work: async () => {
      const { resent } = await send('POST', '/api/notifications/resend?status=exhausted');
      return `${many(resent, 'notification is', 'notifications are')} sent again.`;
    },
    ondone: again,
  });
}

/** Sends a notification again that its channels gave up. It asks first: the customer may be told twice. */
function sendAgain(notification) {
  const place = el('span', { class: 'inline' });
  const ask = el('button', { type: 'button', class: 'small', onclick: () => show(place, confirm, cancel) }, 'Send again');
  const cancel = el('button', { type: 'button', class: 'small quiet', onclick: () => show(place, ask) }, 'No');
  const confirm = el('button', { type: 'button', class: 'small primary', onclick: async () => {
    confirm.disabled = true;
    try {
      await send('POST', path('notifications', notification.notification_id, '/resend'));
      show(place, chip('sent again', 'good'));
    } catch (error) {
      show(place, el('span', { class: 'bad', role: 'alert' }, error.message));
    }
  } }, 'Yes, send it again');
  return show(place, ask);
}
