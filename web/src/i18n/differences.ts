import type { Messages } from './catalogue.ts';

/** Two answers about one moment, known at two times. */
export const differences = {
  'differences.open': [
    'As known then and now',
    'Zoals toen en nu bekend',
    'Como se conocía entonces y ahora',
  ],
  'differences.kicker': ['What changed', 'Wat is veranderd', 'Qué cambió'],
  'differences.title': [
    '{{document}}: first “{{a}}”, later “{{b}}”',
    '{{document}}: eerst “{{a}}”, later “{{b}}”',
    '{{document}}: primero “{{a}}”, después “{{b}}”',
  ],
  'differences.title_same': [
    '{{document}}: “{{a}}” both times',
    '{{document}}: beide keren “{{a}}”',
    '{{document}}: “{{a}}” las dos veces',
  ],
  'differences.title_facts': [
    '{{document}}: “{{a}}” both times, based on different facts',
    '{{document}}: beide keren “{{a}}”, op grond van andere feiten',
    '{{document}}: “{{a}}” las dos veces, a partir de hechos distintos',
  ],
  'differences.title_places': [
    '{{document}}: the answer differs at {{count}} of {{all}} sites',
    '{{document}}: het antwoord verschilt op {{count}} van {{all}} locaties',
    '{{document}}: la respuesta difiere en {{count}} de {{all}} plantas',
  ],
  'differences.title_none': [
    '{{document}}: nothing was known at either time',
    '{{document}}: op geen van beide tijden was iets bekend',
    '{{document}}: no se conocía nada en ninguna de las dos fechas',
  ],
  'differences.ask': [
    '{{document}}: compare what was known at two times',
    '{{document}}: vergelijk wat op twee tijden bekend was',
    '{{document}}: compare lo conocido en dos fechas',
  ],
  'differences.lead': [
    'The same moment, as it was known at two times.',
    'Hetzelfde moment, zoals bekend op twee tijden.',
    'El mismo momento, según lo conocido en dos fechas.',
  ],
  'differences.first': ['First known at', 'Eerst bekend op', 'Conocido primero el'],
  'differences.second': ['Then known at', 'Daarna bekend op', 'Conocido después el'],
  'differences.second_help': [
    'Empty: what is known now',
    'Leeg: wat nu bekend is',
    'Vacío: lo que se sabe ahora',
  ],
  'differences.at_help': ['Empty: now', 'Leeg: nu', 'Vacío: ahora'],
  'differences.compare': ['Compare', 'Vergelijken', 'Comparar'],
  'differences.order': [
    'The first time must be earlier than the second.',
    'De eerste tijd moet vóór de tweede liggen.',
    'La primera fecha debe ser anterior a la segunda.',
  ],
  'differences.as_known': ['As known at', 'Zoals bekend op', 'Según lo conocido el'],
  'differences.answers': ['Both answers', 'Beide antwoorden', 'Las dos respuestas'],
  'differences.answers_at': [
    'Both answers, {{place}}',
    'Beide antwoorden, {{place}}',
    'Las dos respuestas, {{place}}',
  ],
  'differences.unknown': ['Not known then', 'Toen niet bekend', 'No conocido entonces'],
  'differences.and': ['and at', 'en op', 'y el'],
  'differences.governs': ['Governs', 'Geldt', 'Rige'],
  'differences.changed': ['changed', 'veranderd', 'cambió'],
  'differences.rests_on': ['Rests on', 'Berust op', 'Se basa en'],
  'differences.gained': [
    'Records that only the later answer rests on',
    'Registraties waar alleen het latere antwoord op berust',
    'Registros en los que solo se basa la respuesta posterior',
  ],
  'differences.lost': [
    'Records that only the earlier answer rests on',
    'Registraties waar alleen het eerdere antwoord op berust',
    'Registros en los que solo se basa la respuesta anterior',
  ],
  'differences.no_records': [
    'Both answers rest on the same records.',
    'Beide antwoorden berusten op dezelfde registraties.',
    'Las dos respuestas se basan en los mismos registros.',
  ],
  'differences.causes': [
    'Facts that changed the answer',
    'Feiten die het antwoord veranderden',
    'Hechos que cambiaron la respuesta',
  ],
  'differences.no_causes': [
    'Nothing new became known about this document and person between the two times.',
    'Tussen de twee tijden werd niets nieuws over dit document en deze persoon bekend.',
    'Entre las dos fechas no se supo nada nuevo de este documento y esta persona.',
  ],
  'differences.cause_unknown': [
    'Time passed, or the cause is not in the archive',
    'Tijd verstreek, of de oorzaak staat niet in het archief',
    'Pasó el tiempo, o la causa no está en el archivo',
  ],
  'differences.provisional': [
    'Provisional: a fact from before the second time may still arrive. The page refreshes automatically.',
    'Voorlopig: een feit van vóór de tweede tijd kan nog binnenkomen. De pagina ververst vanzelf.',
    'Provisional: aún puede llegar un hecho anterior a la segunda fecha. La página se actualiza sola.',
  ],
  'differences.final': [
    'Final: no earlier fact can still arrive. This address will always give this answer.',
    'Definitief: er kan geen eerder feit meer binnenkomen. Dit adres geeft altijd dit antwoord.',
    'Definitivo: ya no puede llegar ningún hecho anterior. Esta dirección dará siempre esta respuesta.',
  ],
  'differences.nothing': [
    'Nothing is known here at either time',
    'Op geen van beide tijden is hier iets bekend',
    'No se conoce nada en ninguna de las dos fechas',
  ],
  'differences.nothing_help': [
    'The person or the document was not known yet. Try a later moment.',
    'De persoon of het document was nog niet bekend. Probeer een later moment.',
    'La persona o el documento aún no se conocían. Pruebe una fecha posterior.',
  ],

  'event.records.training-record-signed': [
    'A record was signed',
    'Een registratie is ondertekend',
    'Se firmó un registro',
  ],
  'event.records.training-record-imported': [
    'A record was migrated',
    'Een registratie is gemigreerd',
    'Se migró un registro',
  ],
  'event.records.training-record-late-entered': [
    'A paper record was entered late and checked',
    'Een papieren registratie is later ingevoerd en gecontroleerd',
    'Un registro en papel se introdujo tarde y se verificó',
  ],
  'event.records.training-record-marked-in-error': [
    'A record was marked as made in error',
    'Een registratie is als foutief gemarkeerd',
    'Un registro se marcó como erróneo',
  ],
  'event.qms.document-registered': [
    'The document became known',
    'Het document werd bekend',
    'El documento se dio a conocer',
  ],
  'event.qms.document-changed': [
    'The document was changed',
    'Het document is gewijzigd',
    'Se modificó el documento',
  ],
  'event.qms.document-version-approved': [
    'A version was approved',
    'Een versie is goedgekeurd',
    'Se aprobó una versión',
  ],
  'event.qms.document-version-moved': [
    'An effective date was set or moved',
    'Een ingangsdatum is gezet of verplaatst',
    'Se fijó o movió una fecha de entrada en vigor',
  ],
  'event.qms.document-version-withdrawn': [
    'A version was withdrawn',
    'Een versie is ingetrokken',
    'Se retiró una versión',
  ],
  'event.qms.document-retired': [
    'The document was retired',
    'Het document is vervallen',
    'El documento quedó obsoleto',
  ],
  'event.matrix.obligation-changed': [
    'What is required of the person changed',
    'Wat van de persoon vereist is, veranderde',
    'Cambió lo que se requiere de la persona',
  ],
  'event.matrix.organisation-changed': [
    'The organisation changed',
    'De organisatie veranderde',
    'Cambió la organización',
  ],
  'event.matrix.requirement-changed': [
    'The training matrix changed',
    'De trainingsmatrix veranderde',
    'Cambió la matriz de formación',
  ],
  'event.matrix.person-hired': [
    'The person was hired',
    'De persoon kwam in dienst',
    'Se contrató a la persona',
  ],
  'event.matrix.person-moved': [
    'The person moved to another function or place',
    'De persoon kreeg een andere functie of plek',
    'La persona cambió de función o lugar',
  ],
  'event.matrix.person-leave-recorded': [
    'A leave was recorded',
    'Verlof is vastgelegd',
    'Se registró un permiso',
  ],
  'event.matrix.person-ended': [
    'The end of employment was recorded',
    'Het einde van het dienstverband is vastgelegd',
    'Se registró el fin del empleo',
  ],
  'event.matrix.person-changed': [
    'The person’s data changed',
    'De gegevens van de persoon veranderden',
    'Cambiaron los datos de la persona',
  ],
  'event.matrix.person-imported': [
    'The person came in by an import',
    'De persoon kwam binnen met een import',
    'La persona llegó con una importación',
  ],
} satisfies Messages;
