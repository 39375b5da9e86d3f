import type { Messages } from './catalogue.ts';

/** What two people decide: late entries, marks of error, dates of versions. */
export const decisions = {
  'late.act_short': [
    'Enter a paper record',
    'Papieren registratie invoeren',
    'Introducir un registro en papel',
  ],
  'late.title': [
    'Paper record of {{name}}, entered late',
    'Papieren registratie van {{name}}, laat ingevoerd',
    'Registro en papel de {{name}}, introducido tarde',
  ],
  'late.lead': [
    'The record counts from the ink signature on the paper. The system knows it from now on, and every page marks it as a late entry.',
    'De registratie telt vanaf de inkthandtekening op het papier. Het systeem kent haar vanaf nu, en elke pagina toont haar als late invoer.',
    'El registro cuenta desde la firma en tinta del papel. El sistema lo conoce desde ahora y cada página lo marca como registro tardío.',
  ],
  'late.own': [
    'You cannot enter your own paper record. Ask a supervisor, trainer or coordinator.',
    'U kunt uw eigen papieren registratie niet invoeren. Vraag een leidinggevende, trainer of coördinator.',
    'No puede introducir su propio registro en papel. Pídalo a un supervisor, formador o coordinador.',
  ],
  'late.paper': ['What the paper shows', 'Wat op het papier staat', 'Qué muestra el papel'],
  'late.version': ['Version', 'Versie', 'Versión'],
  'late.methods': ['How it was trained', 'Hoe er is getraind', 'Cómo se formó'],
  'late.ink_day': ['Day of the ink signature', 'Dag van de inkthandtekening', 'Día de la firma en tinta'],
  'late.ink_time': ['Time on the paper', 'Tijd op het papier', 'Hora en el papel'],
  'late.ink_zone': ['Wall clock of {{place}}', 'Klok van {{place}}', 'Hora local de {{place}}'],
  'late.score': [
    'Score of the quiz, percent',
    'Score van de toets, procent',
    'Resultado del cuestionario, %',
  ],
  'late.scan': ['Scan of the signed paper', 'Scan van het ondertekende papier', 'Escaneo del papel firmado'],
  'late.scan_help': [
    'PDF, photo (PNG, JPEG) or TIFF, up to 20 MB',
    'PDF, foto (PNG, JPEG) of TIFF, tot 20 MB',
    'PDF, foto (PNG, JPEG) o TIFF, hasta 20 MB',
  ],
  'late.reason': ['Why it is entered late', 'Waarom laat ingevoerd', 'Por qué se introduce tarde'],
  'late.act': [
    'Enter it for a second person to check',
    'Invoeren ter controle door een tweede persoon',
    'Introducir para que lo verifique otra persona',
  ],
  'late.waiting': [
    'Paper records that wait for a second person',
    'Papieren registraties die op een tweede persoon wachten',
    'Registros en papel que esperan a una segunda persona',
  ],
  'late.no_record_yet': [
    'The record counts only when another person has compared it with the scan and signed.',
    'De registratie telt pas als iemand anders haar met de scan heeft vergeleken en getekend.',
    'El registro solo cuenta cuando otra persona lo ha cotejado con el escaneo y ha firmado.',
  ],
  'late.entered': ['Entered by', 'Ingevoerd door', 'Introducido por'],
  'late.open_scan': ['Open the scan', 'Scan openen', 'Abrir el escaneo'],
  'late.scan_first': [
    'Open the scan before you sign.',
    'Open de scan voordat u tekent.',
    'Abra el escaneo antes de firmar.',
  ],
  'late.check': ['Check and sign', 'Controleren en tekenen', 'Verificar y firmar'],
  'late.check_reason': [
    'Late entry checked against its scan',
    'Late invoer met de scan vergeleken',
    'Registro tardío cotejado con su escaneo',
  ],
  'late.check_effect': [
    'When you sign, the record becomes valid and is marked as a late entry. Earlier decisions do not change.',
    'Als u tekent, wordt de registratie geldig en als late invoer gemarkeerd. Eerdere besluiten veranderen niet.',
    'Al firmar, el registro pasa a ser válido y queda marcado como tardío. Las decisiones anteriores no cambian.',
  ],
  'late.refuse': [
    'Refuse this paper record',
    'Papieren registratie weigeren',
    'Rechazar este registro en papel',
  ],
  'late.take_back': ['Take it back', 'Terugnemen', 'Retirarlo'],
  'late.you_entered': [
    'You entered it, so another person must check it.',
    'U hebt hem ingevoerd, dus iemand anders moet hem controleren.',
    'Usted lo introdujo, así que debe verificarlo otra persona.',
  ],
  'late.yours': [
    'It is about you, so another person must check it.',
    'Hij gaat over u, dus iemand anders moet hem controleren.',
    'Trata de usted, así que debe verificarlo otra persona.',
  ],

  'error_mark.propose': ['Mark as made in error', 'Als foutief markeren', 'Marcar como erróneo'],
  'error_mark.propose_act': [
    'Propose the mark to a second person',
    'Markering aan een tweede persoon voorstellen',
    'Proponer la marca a otra persona',
  ],
  'error_mark.propose_effect': [
    'Nothing is deleted. When QA signs, the record stays visible with this reason but no longer counts, and the training is required again.',
    'Er wordt niets verwijderd. Als QA tekent, blijft de registratie zichtbaar met deze reden, maar telt zij niet meer, en de training is weer vereist.',
    'No se borra nada. Cuando QA firma, el registro sigue visible con este motivo pero deja de contar, y la formación se requiere de nuevo.',
  ],
  'error_mark.sign': [
    'Decide: mark as made in error',
    'Besluiten: als foutief markeren',
    'Decidir: marcar como erróneo',
  ],
  'error_mark.sign_reason': [
    'Record marked as made in error',
    'Registratie als foutief gemarkeerd',
    'Registro marcado como erróneo',
  ],
  'error_mark.sign_effect': [
    'When you sign, this record no longer counts, and within seconds the training is required again.',
    'Als u tekent, telt deze registratie niet meer, en binnen seconden is de training weer vereist.',
    'Al firmar, este registro deja de contar y en segundos la formación se requiere de nuevo.',
  ],
  'error_mark.refuse': ['The record is right', 'De registratie klopt', 'El registro es correcto'],
  'error_mark.take_back': ['Take the proposal back', 'Voorstel terugnemen', 'Retirar la propuesta'],

  'date.move': ['Move the date', 'Datum verplaatsen', 'Mover la fecha'],
  'date.move_title': [
    'Move when {{version}} takes effect',
    'Ingangsdatum van {{version}} verplaatsen',
    'Mover la entrada en vigor de {{version}}',
  ],
  'date.stands': ['Now: {{date}}', 'Nu: {{date}}', 'Ahora: {{date}}'],
  'date.new': ['New first day', 'Nieuwe eerste dag', 'Nuevo primer día'],
  'date.new_help': [
    'The version takes effect at the start of that day, by the clock of the site. The day cannot be in the past.',
    'De versie gaat in aan het begin van die dag, volgens de klok van de locatie. De dag mag niet voorbij zijn.',
    'La versión entra en vigor al inicio de ese día, según la hora de la planta. El día no puede haber pasado.',
  ],
  'date.next': ['Show me what I sign', 'Tonen wat ik onderteken', 'Mostrar lo que firmo'],
  'date.effect': [
    'When you sign, open training for {{version}} gets new due dates, and the present version governs until that day.',
    'Als u tekent, krijgt open training voor {{version}} nieuwe termijnen, en de huidige versie geldt tot die dag.',
    'Al firmar, la formación abierta de {{version}} recibe nuevos plazos, y la versión actual rige hasta ese día.',
  ],
  'withdraw.act': ['Withdraw {{version}}', '{{version}} intrekken', 'Retirar {{version}}'],
  'withdraw.act_short': ['Withdraw', 'Intrekken', 'Retirar'],
  'withdraw.before': [
    'The version will not take effect at any site. Its open training is closed. Completed training stays on record but does not count.',
    'De versie gaat op geen enkele locatie in. De open training ervoor wordt gesloten. Voltooide training blijft geregistreerd, maar telt niet.',
    'La versión no entrará en vigor en ninguna planta. Su formación abierta se cierra. La formación completada queda registrada, pero no cuenta.',
  ],
  'withdraw.governing': [
    'The version ends now at every site, and the previous version governs again. Completed training stays on record.',
    'De versie eindigt nu op elke locatie, en de vorige versie geldt weer. Voltooide training blijft geregistreerd.',
    'La versión termina ahora en todas las plantas y vuelve a regir la anterior. La formación completada queda registrada.',
  ],
} satisfies Messages;
